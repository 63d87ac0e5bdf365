"""The page of the self-check at /ops/: for the operator alone, in his language, with a button and progress."""

import pytest
from django.db import connection
from django.test import Client

from core.domain.invariant_runs import last_run, record_run, unfinished_run
from core.enums import RunTrigger
from core.invariants import load_catalogue
from core.models import InvariantRun, Job
from identity.models import User


@pytest.fixture
def broken(db: None) -> None:
    """One request without its answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencykey (principal, endpoint, key, fingerprint) VALUES ('u', 'orders', 'k', 'f')"
        )


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    client.force_login(
        User.objects.create_superuser(name="王运营", email="ops@example.com", password="a long enough one")
    )
    return client


PAGE = "/ops/core/invariantrun/"


def test_the_page_before_anything_was_checked(operator: Client) -> None:
    page = operator.get(PAGE, headers={"accept-language": "en"}).content.decode()

    assert "Nothing was checked yet" in page
    assert 'http-equiv="refresh"' not in page


def test_the_page_is_asked_to_check_and_shows_how_far_it_is(operator: Client) -> None:
    assert operator.get(f"{PAGE}check/").status_code == 405
    assert operator.post(f"{PAGE}check/").url == PAGE
    run, _job = unfinished_run()
    InvariantRun.objects.filter(pk=run.pk).update(figures={"one_platform": 0})

    page = operator.get(PAGE, headers={"accept-language": "en"}).content.decode()

    assert f"Checking: 1 of {len(load_catalogue())}" in page
    assert 'http-equiv="refresh"' in page
    operator.post(f"{PAGE}check/")
    assert Job.objects.filter(kind="check_invariants").count() == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["1 of", "does not hold", "also has the answer that a repeat will get"]),
        ("zh-hans", ["条不成立", "都存有重复请求时要返回的答复"]),
    ],
)
def test_the_page_shows_what_is_broken_in_the_readers_language(
    operator: Client, broken: None, language: str, said: list[str]
) -> None:
    record_run(trigger=RunTrigger.OPS)
    earlier = last_run()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_idempotencykey")
    record_run(trigger=RunTrigger.NIGHTLY)

    now = operator.get(PAGE, headers={"accept-language": language}).content.decode()
    then = operator.get(f"{PAGE}?run={earlier.pk}", headers={"accept-language": language}).content.decode()

    assert "is-good" in now
    assert "is-bad" not in now
    for sentence in ["is-bad", *said]:
        assert sentence in then
    assert operator.get(f"{PAGE}?run=nonsense").status_code == 200


def test_what_was_not_checked_in_time_is_said_and_no_all_clear_is_given(operator: Client) -> None:
    run = record_run(trigger=RunTrigger.NIGHTLY)
    InvariantRun.objects.filter(pk=run.pk).update(
        figures={name: rows for name, rows in run.figures.items() if name != "one_platform"},
        not_checked=["one_platform"],
    )

    page = operator.get(PAGE, headers={"accept-language": "en"}).content.decode()

    for sentence in (
        "What was checked holds",
        "1 took too long and was not checked",
        "1 not checked in time",
    ):
        assert sentence in page
    assert "is-good" not in page
    assert "All " not in page.partition("checks-state")[2].partition("</section>")[0]


def test_nobody_else_sees_or_asks(client: Client, db: None) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.post(f"{PAGE}check/").status_code == 302
    assert not InvariantRun.objects.exists()
