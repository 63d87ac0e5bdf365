"""Jobs: enqueue in the business transaction, claim, run, give up visibly.

Celery on Redis loses tasks, acks_late or not. So the row is the task: "done" commits together with the effect, a relay
rings Celery, and rings again while the row is not done.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from core.enums import JobQueue, JobState
from core.models import Job
from core.models.job import OWN_LANE

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
LEASE_SECONDS = 30  # how long the relay waits before it rings for the same row again
OUTSIDE_LEASE_SECONDS = (
    60  # a call to the outside holds no row lock: the relay rings no second worker within this
)
RETRY_SECONDS = (2, 4, 8, 16)
OUTSIDE_RETRY_SECONDS = (2, 8, 60, 600)  # others' servers are away for minutes, not seconds

MAX_LEASED = (
    2_000  # of a queue, rung for and not done: more would only wait in Redis until their leases are over
)

Handler = Callable[[Job], None]
SetHandler = Callable[[Sequence[Job]], Mapping[int, Exception]]
_handlers: dict[str, Handler] = {}
_outside_handlers: dict[str, Handler] = {}
_set_handlers: dict[str, SetHandler] = {}
_queues: dict[str, JobQueue] = {}
_time_limits: dict[str, int] = {}


class NotReached(Exception):
    """What a handler outside a transaction says of a job it did not try: it had no time for it, or another does it now."""


def job_handler(
    kind: str,
    *,
    calls_outside: bool = False,
    queue: JobQueue | None = None,
    time_limit_seconds: int | None = None,
) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of a kind.

    By default it runs inside the transaction that marks the row done. With calls_outside it runs in no transaction
    (no lock is held across a call to the outside) and must be safe to repeat: use the job's id as the outside's key.
    Such kinds have a queue with workers of their own, so that an outside that hangs holds up nothing of ours; what only
    wants to run in no transaction says queue=JobQueue.INSIDE. What takes longer than CELERY_TASK_TIME_LIMIT says how long
    it may take; it keeps its lease by itself, and raises NotReached where another worker does it already.
    """

    def register(handler: Handler) -> Handler:
        if time_limit_seconds is not None:
            _time_limits[kind] = time_limit_seconds
        _queues[kind] = queue or (JobQueue.OUTSIDE if calls_outside else JobQueue.INSIDE)
        (_outside_handlers if calls_outside else _handlers)[kind] = handler
        return handler

    return register


def job_set_handler(kind: str) -> Callable[[SetHandler], SetHandler]:
    """Register the function that does several first tries of an outside kind at once; whatever fails is tried alone.

    It answers which jobs (by id) failed and why (NotReached: were not tried); where it raises, all of them failed.
    It must be done or stop within half of OUTSIDE_LEASE_SECONDS, whose other half is for its last call.
    """

    def register(handler: SetHandler) -> SetHandler:
        _set_handlers[kind] = handler
        return handler

    return register


def enqueue_job(
    *,
    kind: str,
    key: str,
    payload: dict[str, Any] | None = None,
    merchant_id: int | None = None,
    due_at: datetime | None = None,
    due_in_seconds: int = 0,
) -> None:
    """Write the job into the current transaction, once per (kind, key). Due at due_at (default: now) plus due_in_seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_job (kind, key, payload, merchant_id, queue, due_at)
            VALUES (%s, %s, %s::jsonb, %s, %s, COALESCE(%s, now()) + make_interval(secs => %s))
            ON CONFLICT (kind, key) DO NOTHING
            """,
            [
                kind,
                key,
                json.dumps(payload or {}),
                merchant_id,
                _queues.get(kind, JobQueue.INSIDE),
                due_at,
                due_in_seconds,
            ],
        )


def lease_due_jobs(*, queue: JobQueue = JobQueue.INSIDE, limit: int = 500) -> list[int]:
    """Ids of this connection's lane's due jobs of a queue nobody was rung for lately; each is leased for LEASE_SECONDS.

    At most MAX_LEASED jobs of a queue are leased at a time: the first that many that are due are looked at, however many
    wait. None is leased while half of them are: then many are again, and workers get full messages.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH head AS MATERIALIZED (
                SELECT id, due_at, COALESCE(lease_until >= now(), false) AS leased FROM core_job
                WHERE lane = COALESCE(current_setting('tongdao.lane', true), '') AND queue = %(queue)s
                  AND state = 'ready' AND due_at <= now()
                ORDER BY due_at LIMIT %(most)s)
            UPDATE core_job SET lease_until = now() + make_interval(secs => %(lease)s)
            WHERE id IN (
                SELECT j.id FROM core_job j JOIN head USING (id)
                WHERE NOT head.leased AND (SELECT count(*) FROM head WHERE leased) < %(most)s / 2.0
                  AND j.state = 'ready' AND (j.lease_until IS NULL OR j.lease_until < now())
                ORDER BY head.due_at LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED)
            RETURNING id
            """,
            {"lease": LEASE_SECONDS, "most": MAX_LEASED, "limit": limit, "queue": queue},
        )
        return [row[0] for row in cursor.fetchall()]


def long_jobs(*, job_ids: Sequence[int]) -> dict[int, int]:
    """Those that may take longer than others, and how many seconds."""
    kinds = Job.objects.filter(id__in=job_ids, kind__in=_time_limits).values_list("id", "kind")
    return {job_id: _time_limits[kind] for job_id, kind in kinds}


def release_jobs(*, job_ids: list[int]) -> None:
    """Give leases back, where the doorbell could not be rung."""
    Job.objects.filter(id__in=job_ids, state=JobState.READY).update(lease_until=None)


def extend_lease(*, job_id: int) -> None:
    """Say from within a long outside job that it is being done: the relay rings no second worker for as long again."""
    Job.objects.filter(id=job_id, state=JobState.READY).update(
        lease_until=Now() + timedelta(seconds=OUTSIDE_LEASE_SECONDS)
    )


def run_job(*, job_id: int) -> bool:
    """Do one due job; True when its effect was committed by this call.

    Exactly once for handlers that only touch the database: the row is locked and marked done in the effect's own
    transaction. A failure is written on the row and tried again after RETRY_SECONDS (calls to the outside: after
    OUTSIDE_RETRY_SECONDS); the fifth makes it dead.
    """
    job = _claim(job_id)
    if job is None:
        return False
    try:
        if job.kind in _outside_handlers:
            _outside_handlers[job.kind](job)
            return _mark_done(job.id)
        with transaction.atomic():
            if not _mark_done(job.id):
                return False
            _handlers[job.kind](job)
            return True
    except NotReached:
        Job.objects.filter(id=job.id, state=JobState.READY).update(attempts=job.attempts - 1)
        return False
    except Exception as error:
        logger.exception("job %s %s failed", job.kind, job.key)
        _write_failure(job, repr(error))
        return False


def run_jobs(*, job_ids: Sequence[int]) -> int:
    """Do these jobs as run_job does, the first tries of a kind that is done in sets together; how many were done here."""
    done, taken = 0, _claim_first_tries(job_ids) if len(job_ids) > 1 else []
    for kind in sorted({job.kind for job in taken}):
        done += _run_set([job for job in taken if job.kind == kind])
    together = {job.pk for job in taken}
    return done + sum(run_job(job_id=job_id) for job_id in job_ids if job_id not in together)


def _claim_first_tries(job_ids: Sequence[int]) -> list[Job]:
    """Those done in sets, with their attempt counted. A second try is made alone: one bad job takes no others with it."""
    return list(
        Job.objects.raw(
            """
            UPDATE core_job SET attempts = 1, lease_until = now() + make_interval(secs => %s)
            WHERE id IN (SELECT id FROM core_job WHERE id = ANY(%s) AND kind = ANY(%s) AND attempts = 0
                         AND state = 'ready' AND due_at <= now() FOR UPDATE SKIP LOCKED)
            RETURNING *
            """,
            [OUTSIDE_LEASE_SECONDS, list(job_ids), list(_set_handlers)],
        )
    )


def _run_set(jobs: Sequence[Job]) -> int:
    failed: Mapping[int, Exception]
    try:
        failed = _set_handlers[jobs[0].kind](jobs)
    except Exception as error:
        failed = dict.fromkeys((job.pk for job in jobs), error)
    for job in jobs:
        reason = failed.get(job.pk)
        if reason is not None and not isinstance(reason, NotReached):
            logger.error("job %s %s failed", job.kind, job.key, exc_info=reason)
            _write_failure(job, repr(reason))
    not_reached = [pk for pk, reason in failed.items() if isinstance(reason, NotReached)]
    if not_reached:
        Job.objects.filter(pk__in=not_reached, state=JobState.READY).update(attempts=0, lease_until=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET state = 'done', done_at = clock_timestamp(), last_error = ''"
            " WHERE id = ANY(%s) AND state IN ('ready', 'dead')",
            [[job.pk for job in jobs if job.pk not in failed]],
        )
        return cursor.rowcount


def _claim(job_id: int) -> Job | None:
    """Count the attempt in a commit of its own, so that a worker which dies has counted too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_job SET
                state = CASE WHEN attempts >= %(max)s THEN 'dead' ELSE state END,
                attempts = LEAST(attempts + 1, %(max)s),
                lease_until = now() + make_interval(secs => CASE WHEN kind = ANY(%(outside)s) THEN %(long)s ELSE %(short)s END)
            WHERE id IN (SELECT id FROM core_job WHERE id = %(id)s AND state = 'ready' AND due_at <= now()
                         FOR UPDATE SKIP LOCKED)
            RETURNING state
            """,
            {
                "id": job_id,
                "max": MAX_ATTEMPTS,
                "outside": list(_outside_handlers),
                "long": OUTSIDE_LEASE_SECONDS,
                "short": LEASE_SECONDS,
            },
        )
        row = cursor.fetchone()
    if row is None or row[0] == JobState.DEAD:
        return None
    return Job.objects.get(id=job_id)


def _mark_done(job_id: int) -> bool:
    """False where another worker did it. A job given up meanwhile, because it was rung for too often while this worker had
    it, is done all the same: its effect is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET state = 'done', done_at = clock_timestamp(), last_error = ''"
            " WHERE id = %s AND state IN ('ready', 'dead')",
            [job_id],
        )
        return cursor.rowcount == 1


def _write_failure(job: Job, error: str) -> None:
    waits = OUTSIDE_RETRY_SECONDS if job.kind in _outside_handlers else RETRY_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_job SET last_error = %s, lease_until = NULL,
                due_at = now() + make_interval(secs => %s),
                state = CASE WHEN attempts >= %s THEN 'dead' ELSE 'ready' END
            WHERE id = %s AND state IN ('ready', 'dead')
            """,
            [error[:2000], waits[min(job.attempts, len(waits)) - 1], MAX_ATTEMPTS, job.id],
        )


def run_due_jobs(*, kinds: list[str] | None = None, limit: int = 10_000) -> int:
    """Do what is due in this process, without Celery (commands and tests); the number done."""
    done = 0
    due = Job.objects.filter(state=JobState.READY, lane=OWN_LANE).extra(where=["due_at <= now()"])
    if kinds:
        due = due.filter(kind__in=kinds)
    for job_id in list(due.order_by("due_at").values_list("id", flat=True)[:limit]):
        done += run_job(job_id=job_id)
    return done


def tick_off_jobs(*, kinds: list[str], merchant_id: int, due_by: datetime) -> int:
    """Mark due jobs done whose effect was reached another way (somebody settled a whole history at once); how many."""
    return Job.objects.filter(
        kind__in=kinds, merchant_id=merchant_id, due_at__lte=due_by, state=JobState.READY
    ).update(state=JobState.DONE, done_at=due_by)


def wake_job(*, job_id: int) -> bool:
    """Let a dead job try again, from the start; False where it is not dead."""
    return bool(
        Job.objects.filter(id=job_id, state=JobState.DEAD).update(
            state=JobState.READY, attempts=0, lease_until=None
        )
    )
