"""The catalogue's files, the counting, and the runs that are kept."""

import logging
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

from core.domain import invariant_runs
from core.domain.invariant_runs import (
    last_run,
    past_runs,
    record_run,
    request_nightly_run,
    request_run,
    standing_since,
    unfinished_run,
)
from core.domain.jobs import enqueue_job, run_due_jobs, run_job
from core.enums import JobState, RunTrigger
from core.invariants import CatalogueFault, Invariant, by_area, check_invariants, collect, load_catalogue
from core.models import InvariantRun, Job
from core.tasks import ring

NUMBERS = """
-- Remarks are for who reads the file.
-- area: numbers | Numbers | 数字

-- name: nothing_is_odd
-- en: No number is odd.
-- zh: 没有奇数。
SELECT n AS number_id, n % 10 AS merchant_id FROM generate_series(2, 10, 2) n
WHERE {merchant n} AND n % 2 = 1;

-- name: nothing_is_large
-- en: No number is above eight.
-- zh: 没有大于八的数。
SELECT n AS number_id
FROM generate_series(1, 10) n  -- ten of them
WHERE {merchant n} AND n > 8;
"""


def write(folder: Path, text: str, name: str = "invariants.sql") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_is_read(tmp_path: Path) -> None:
    found = collect([write(tmp_path, NUMBERS)])

    assert list(found) == ["nothing_is_odd", "nothing_is_large"]
    odd = found["nothing_is_odd"]
    assert (odd.area.key, odd.en, odd.zh) == ("numbers", "No number is odd.", "没有奇数。")
    assert odd.query().endswith("WHERE TRUE AND n % 2 = 1")
    assert odd.query(merchant_id=7).endswith("WHERE n = 7 AND n % 2 = 1")
    assert odd.is_per_merchant
    with translation.override("zh-hans"):
        assert (odd.sentence, odd.area.title) == ("没有奇数。", "数字")
    with translation.override("en"):
        assert (odd.sentence, odd.area.title) == ("No number is odd.", "Numbers")


@pytest.mark.parametrize(
    ("changed", "to", "fault"),
    [
        ("-- name: nothing_is_large", "-- name: nothing_is_odd", "nothing_is_odd is named twice"),
        ("-- zh: 没有奇数。\n", "", "nothing_is_odd has no sentence in zh"),
        ("-- en: No number is above eight.\n", "", "nothing_is_large has no sentence in en"),
        ("-- name: nothing_is_large\n", "", "a query has no name"),
        ("nothing_is_large", "Nothing-Large", "Nothing-Large has no name of small letters"),
        ("-- area: numbers | Numbers | 数字\n", "", "nothing_is_odd stands in no area"),
        ("| 数字", "", "an area is written as key"),
        ("n % 2 = 1;", "n % 2 = 1", "the query of nothing_is_odd has no semicolon"),
        ("n > 8;", "n > 8", "nothing_is_large at the end is not finished"),
        ("{merchant n} AND n > 8", "{merchant} AND n > 8", "writes {merchant …} otherwise"),
        ("-- zh: 没有奇数。", "-- en: No number is odd.", "en is said twice"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, changed: str, to: str, fault: str) -> None:
    assert changed in NUMBERS

    with pytest.raises(CatalogueFault) as raised:
        collect([write(tmp_path, NUMBERS.replace(changed, to))])

    assert fault in str(raised.value)
    assert str(tmp_path / "invariants.sql") in str(raised.value)


def test_two_files_share_names_and_areas(tmp_path: Path) -> None:
    first = write(tmp_path, NUMBERS)
    with pytest.raises(CatalogueFault, match=r"second.sql: nothing_is_odd is named twice"):
        collect([first, write(tmp_path, NUMBERS, "second.sql")])
    otherwise = NUMBERS.replace("nothing", "never").replace("| Numbers |", "| Figures |")
    with pytest.raises(CatalogueFault, match=r"area numbers is titled otherwise elsewhere"):
        collect([first, write(tmp_path, otherwise, "second.sql")])


def test_every_floor_that_has_a_file_is_in_the_catalogue() -> None:
    catalogue = load_catalogue()

    assert {"no_empty_journal", "one_platform", "paid_orders_have_their_coupons"} <= set(catalogue)
    titles = [(area.key, len(invariants)) for area, invariants in by_area(catalogue)]
    assert len(dict(titles)) == len(titles)
    assert sum(count for _, count in titles) == len(catalogue)


@pytest.mark.django_db
def test_rows_are_counted_and_some_are_kept(tmp_path: Path) -> None:
    catalogue = collect([write(tmp_path, NUMBERS)])
    counted = []

    report = check_invariants(
        catalogue=catalogue, samples=1, on_counted=lambda name, rows: counted.append((name, rows))
    )

    assert report.figures == {"nothing_is_odd": 0, "nothing_is_large": 2}
    assert report.broken == {"nothing_is_large": 2}
    assert report.samples == {"nothing_is_large": [[("number_id", "9")]]}
    assert counted == [("nothing_is_odd", 0), ("nothing_is_large", 2)]
    assert check_invariants(catalogue=catalogue, merchant_id=10).broken == {"nothing_is_large": 1}
    assert check_invariants(catalogue=catalogue, merchant_id=3).broken == {}


@pytest.mark.django_db
def test_a_query_that_is_no_sql_is_named(tmp_path: Path) -> None:
    catalogue = collect([write(tmp_path, NUMBERS.replace("n > 8", "n >> > 8"))])

    with pytest.raises(CatalogueFault, match=r"nothing_is_large is no query: .*syntax error"):
        check_invariants(catalogue=catalogue)


SLOW = """
-- name: nothing_sleeps
-- en: Nothing sleeps.
-- zh: 没有谁睡着。
SELECT n AS number_id FROM generate_series(1, 10) n WHERE pg_sleep(3600) IS NOT NULL;
"""


def slow_in_the_middle(tmp_path: Path, text: str = NUMBERS) -> dict[str, Invariant]:
    first, second = text.rsplit("-- name:", 1)
    return collect([write(tmp_path, f"{first}{SLOW}-- name:{second}")])


@pytest.mark.django_db(transaction=True)
def test_a_slow_query_is_not_checked_in_time_and_the_others_are(tmp_path: Path) -> None:
    """The snapshot outlives it: what is written meanwhile is not seen afterwards."""
    catalogue = slow_in_the_middle(tmp_path)
    assert list(catalogue) == ["nothing_is_odd", "nothing_sleeps", "nothing_is_large"]

    report = check_invariants(catalogue=catalogue, seconds_each=0.5, samples=1)

    assert report.figures == {"nothing_is_odd": 0, "nothing_is_large": 2}
    assert report.not_checked == ["nothing_sleeps"]
    assert report.samples == {"nothing_is_large": [[("number_id", "9")]]}

    catalogue = slow_in_the_middle(
        tmp_path, NUMBERS.replace("generate_series(1, 10) n", "(SELECT 9 AS n FROM core_job) j")
    )
    report = check_invariants(
        catalogue=catalogue,
        seconds_each=0.5,
        on_asked=lambda name: Job.objects.create(kind="test", key=name),
    )
    assert report.figures == {"nothing_is_odd": 0, "nothing_is_large": 1}, (
        "the row from before the first query"
    )
    assert Job.objects.count() == 3


def test_a_nights_run_tells_what_it_could_not_check(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = slow_in_the_middle(tmp_path)
    monkeypatch.setattr("core.invariants.runner.load_catalogue", lambda: catalogue)
    monkeypatch.setattr("core.domain.invariant_runs.load_catalogue", lambda: catalogue)
    monkeypatch.setattr(invariant_runs, "SECONDS_EACH", 0.5)
    request_nightly_run()

    with caplog.at_level(logging.ERROR, logger="core.domain.invariant_runs"):
        assert run_due_jobs(kinds=["check_invariants"]) == 1

    run = last_run()
    assert (run.total, run.broken, run.not_checked) == (3, 1, ["nothing_sleeps"])
    assert "nothing_sleeps" not in run.figures
    assert caplog.messages == [
        "invariant nothing_is_large is broken by 2 rows",
        "invariant nothing_sleeps was not checked in time",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_second_worker_leaves_the_check_to_the_first() -> None:
    """And the job stays what it is: done is said by who did it."""
    request_nightly_run()
    _run, job = unfinished_run()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('check_invariants', 2))")
        assert not run_job(job_id=job.pk)
    finally:
        other.close()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.last_error) == ("ready", 0, "")
    assert run_job(job_id=job.pk)


def test_a_check_is_rung_for_alone_and_with_time(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rung = []
    monkeypatch.setattr("core.tasks.run_jobs.apply_async", lambda **message: rung.append(message))
    request_nightly_run()
    for number in range(40):
        enqueue_job(kind="settle", key=str(number))

    assert ring() == 41

    sizes = {(len(message["kwargs"]["job_ids"]), message["time_limit"]) for message in rung}
    assert sizes == {(5, settings.CELERY_TASK_TIME_LIMIT), (1, invariant_runs.RUN_SECONDS)}
    assert settings.CELERY_TASK_TIME_LIMIT < invariant_runs.RUN_SECONDS


@pytest.mark.django_db(transaction=True)
def test_one_snapshot_that_cannot_write(tmp_path: Path) -> None:
    """What is written after the first query is not seen by the second, and no query can write."""
    text = NUMBERS.replace("generate_series(2, 10, 2) n", "(SELECT id AS n FROM core_job) j")
    text = text.replace("generate_series(1, 10) n", "(SELECT 9 AS n FROM core_job) j")
    seen = check_invariants(
        catalogue=collect([write(tmp_path, text)]),
        on_counted=lambda name, rows: Job.objects.create(kind="test", key=name),
    )
    assert (seen.figures["nothing_is_large"], Job.objects.count()) == (0, 2)

    writing = NUMBERS.replace("n > 8", "nextval('mint_id_seq') > 0")
    with pytest.raises(Exception, match="read-only transaction"):
        check_invariants(catalogue=collect([write(tmp_path, writing)]))


@pytest.fixture
def broken(db: None) -> None:
    """One request without its answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencykey (principal, endpoint, key, fingerprint) VALUES ('u', 'orders', 'k', 'f')"
        )


def test_a_run_keeps_figures_and_logs_what_is_broken(broken: None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="core.domain.invariant_runs"):
        run = record_run(trigger=RunTrigger.COMMAND)

    assert run.figures["every_kept_request_has_its_answer"] == 1
    assert set(run.figures) == set(load_catalogue())
    assert (run.broken, run.total) == (1, len(load_catalogue()))
    assert list(run.samples) == ["every_kept_request_has_its_answer"]
    assert run.finished_at >= run.started_at
    assert caplog.messages == ["invariant every_kept_request_has_its_answer is broken by 1 rows"]
    assert last_run() == run


def test_the_button_and_the_night_write_one_job(db: None) -> None:
    assert request_run(trigger=RunTrigger.OPS)
    assert not request_run(trigger=RunTrigger.OPS)
    assert not request_nightly_run()
    run, job = unfinished_run()
    assert (run.trigger, run.finished_at, job.state) == ("ops", None, JobState.READY)

    assert run_due_jobs(kinds=["check_invariants"]) == 1

    run.refresh_from_db()
    assert len(run.figures) == run.total
    assert unfinished_run() is None
    assert request_nightly_run()
    assert run_due_jobs(kinds=["check_invariants"]) == 1
    assert not request_nightly_run()  # beat rang twice for one night
    assert [run.trigger for run in past_runs()] == ["nightly", "ops"]


def test_a_run_that_fails_says_why(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: object) -> None:
        raise CatalogueFault("no_empty_journal is no query")

    monkeypatch.setattr("core.domain.invariant_runs.check_invariants", fail)
    request_run(trigger=RunTrigger.NIGHTLY)

    assert run_due_jobs(kinds=["check_invariants"]) == 0

    run, job = unfinished_run()
    assert "no_empty_journal is no query" in run.last_error
    assert "no_empty_journal is no query" in job.last_error
    assert last_run() is None


def test_since_when_it_is_as_it_is(db: None) -> None:
    names = ("one_platform", "bounds_hold", "no_empty_journal")
    runs = [
        InvariantRun.objects.create(
            trigger=RunTrigger.NIGHTLY,
            figures=dict(zip(names, figures, strict=True)),
            started_at=f"2026-11-{day}T03:40:00Z",
            finished_at=f"2026-11-{day}T03:41:00Z",
        )
        for day, figures in ((18, (0, 0, 3)), (19, (1, 0, 0)), (20, (4, 0, 1)), (21, (2, 0, 0)))
    ]
    InvariantRun.objects.create(
        trigger=RunTrigger.COMMAND,
        merchant_id=1,
        figures={"bounds_hold": 9},
        finished_at="2026-11-21T03:41:00Z",
    )
    newest = last_run()

    since = standing_since(run=newest)

    assert newest == runs[-1]
    assert {name: f"{at:%d}" for name, at in since.items()} == {
        "one_platform": "19",
        "bounds_hold": "18",
        "no_empty_journal": "21",
    }
