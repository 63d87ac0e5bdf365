"""Checks of the invariants that leave a row: every night, by the button at /ops/, by command, after a rehearsal."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from core.clock import database_now
from core.domain.jobs import NotReached, enqueue_job, job_handler
from core.enums import JobQueue, JobState, RunTrigger
from core.invariants import Report, check_invariants, load_catalogue
from core.models import InvariantRun, Job

logger = logging.getLogger(__name__)

KIND = "check_invariants"
SAMPLES = 20
LOOK_BACK_RUNS = 400  # more than a year of nights
SECONDS_EACH = 240  # for one query; over millions of rows the longest take tens of seconds
RUN_SECONDS = 3 * 3600  # for all of them: it is day by then
LEASE_SECONDS = SECONDS_EACH * 2 + 60  # counting and fetching samples
_LOCK = "check_invariants"


@transaction.atomic
def request_run(*, trigger: RunTrigger, key: str = "") -> bool:
    """Have a worker check everything; False where a check is waiting or under way already, or this key was used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [_LOCK])
    asked = Job.objects.filter(kind=KIND)
    if asked.filter(state=JobState.READY).exists() or (key and asked.filter(key=key).exists()):
        return False
    run = InvariantRun.objects.create(trigger=trigger, total=len(load_catalogue()))
    enqueue_job(kind=KIND, key=key or str(run.pk), payload={"run_id": run.pk})
    return True


def request_nightly_run() -> bool:
    """The night's check, once however often beat rings for it."""
    return request_run(trigger=RunTrigger.NIGHTLY, key=f"nightly:{database_now():%Y%m%d%H}")


@job_handler(KIND, calls_outside=True, queue=JobQueue.INSIDE, time_limit_seconds=RUN_SECONDS)
def run_by_job(job: Job) -> None:
    """Outside a transaction, since it writes its progress; a second worker leaves it to the first.

    A query that takes longer than SECONDS_EACH is reported as not checked in time and ends no run.
    """

    def keep_lease(name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE core_job SET lease_until = now() + make_interval(secs => %s) WHERE id = %s",
                [LEASE_SECONDS, job.pk],
            )

    with _alone() as alone:
        if not alone:
            raise NotReached
        run = InvariantRun.objects.get(pk=job.payload["run_id"])
        if run.finished_at is None:
            _fill(run, on_asked=keep_lease, seconds_each=SECONDS_EACH)


def record_run(
    *,
    trigger: RunTrigger,
    merchant_id: int | None = None,
    on_counted: Callable[[str, int], object] = lambda name, rows: None,
) -> InvariantRun:
    """Check now, in this process, and keep what was found."""
    run = InvariantRun.objects.create(trigger=trigger, merchant_id=merchant_id, total=len(load_catalogue()))
    _fill(run, on_counted=on_counted)
    return run


def _fill(
    run: InvariantRun,
    *,
    on_counted: Callable[[str, int], object] = lambda name, rows: None,
    on_asked: Callable[[str], object] = lambda name: None,
    seconds_each: float | None = None,
) -> None:
    """Count, write the progress after each, log what is broken. A failure is kept on the row and raised."""
    figures: dict[str, int] = {}

    def keep(name: str, rows: int) -> None:
        figures[name] = rows
        InvariantRun.objects.filter(pk=run.pk).update(figures=figures)
        on_counted(name, rows)

    try:
        report = check_invariants(
            merchant_id=run.merchant_id,
            samples=SAMPLES,
            seconds_each=seconds_each,
            on_asked=on_asked,
            on_counted=keep,
        )
    except Exception as error:
        InvariantRun.objects.filter(pk=run.pk).update(last_error=repr(error)[:400])
        raise
    InvariantRun.objects.filter(pk=run.pk).update(
        figures=report.figures,
        samples=report.samples,
        not_checked=report.not_checked,
        broken=len(report.broken),
        total=len(report.figures) + len(report.not_checked),
        finished_at=Now(),
        last_error="",
    )
    run.refresh_from_db()
    _log(report, merchant_id=run.merchant_id)


def _log(report: Report, *, merchant_id: int | None) -> None:
    whose = "" if merchant_id is None else f" of merchant {merchant_id}"
    for name, rows in report.broken.items():
        logger.error("invariant %s%s is broken by %d rows", name, whose, rows)
    for name in report.not_checked:
        logger.error("invariant %s%s was not checked in time", name, whose)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether this session is the only one that checks; ends with the session where its process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 2))", [_LOCK])
        alone = cursor.fetchone()[0]
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 2))", [_LOCK])


def last_run() -> InvariantRun | None:
    """The newest finished check of everything."""
    return _finished().first()


def unfinished_run() -> tuple[InvariantRun, Job] | None:
    """The newest check a worker was asked for, and its job, where it is not finished: waiting, under way or given up."""
    job = Job.objects.filter(kind=KIND).order_by("-id").first()
    run = (
        InvariantRun.objects.filter(pk=job.payload["run_id"], finished_at__isnull=True).first()
        if job
        else None
    )
    return (run, job) if run and job else None


def past_runs(*, limit: int = 30) -> list[InvariantRun]:
    """Finished checks of everything, newest first."""
    return list(_finished()[:limit])


def standing_since(*, run: InvariantRun) -> dict[str, datetime]:
    """Since when each invariant of the run has been as it is now (right or broken): the first run of that stretch."""
    since: dict[str, datetime] = {}
    open_names = set(run.figures)
    earlier = _finished().filter(pk__lte=run.pk).values_list("started_at", "figures")[:LOOK_BACK_RUNS]
    for started_at, figures in earlier:
        for name in list(open_names):
            if name in figures and bool(figures[name]) == bool(run.figures[name]):
                since[name] = started_at
            else:
                open_names.discard(name)
    return since


def _finished() -> QuerySet[InvariantRun]:
    return InvariantRun.objects.filter(finished_at__isnull=False, merchant_id__isnull=True).order_by("-id")
