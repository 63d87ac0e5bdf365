"""Celery's side of the doorbell."""

import contextlib

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from core.domain import jobs
from core.domain.invariant_runs import request_nightly_run
from core.domain.jobs import lease_due_jobs, long_jobs, release_jobs
from core.enums import JobQueue

CHUNK = 20
SPREAD = 8  # few jobs are rung for one by one, so that every worker gets some


@shared_task
def run_jobs(*, job_ids: list[int], **kwargs: object) -> None:
    """Do them, then ring for what they left behind: a job of many slices does not wait for the relay's next round.

    After a full message the relay is ringing without a pause anyway.
    """
    if jobs.run_jobs(job_ids=job_ids) and len(job_ids) < CHUNK:
        with contextlib.suppress(OperationalError, OSError):  # the broker is away: the relay rings
            ring()


def ring(*, limit: int = 500) -> int:
    """Lease due jobs and ring each queue's workers for them; the number rung for. Leases go back where Redis is away."""
    return sum(_ring(queue, limit=limit) for queue in JobQueue)


def _ring(queue: JobQueue, *, limit: int) -> int:
    job_ids = lease_due_jobs(queue=queue, limit=limit)
    limits = long_jobs(job_ids=job_ids) if job_ids else {}
    short = [job_id for job_id in job_ids if job_id not in limits]
    chunk = max(1, min(CHUNK, len(short) // SPREAD))
    messages = [
        *(
            (short[start : start + chunk], settings.CELERY_TASK_TIME_LIMIT)
            for start in range(0, len(short), chunk)
        ),
        *(([job_id], seconds) for job_id, seconds in limits.items()),
    ]
    for number, (ids, seconds) in enumerate(messages):
        try:
            run_jobs.apply_async(
                kwargs={"job_ids": ids}, queue=queue_name(queue), time_limit=seconds, retry=False
            )
        except Exception:
            release_jobs(job_ids=[job_id for left, _ in messages[number:] for job_id in left])
            raise
    return len(job_ids)


def queue_name(queue: JobQueue) -> str:
    """Celery's name of a queue."""
    return f"tongdao-{queue}"


@shared_task
def sweep(**kwargs: object) -> None:
    """What the relay does, from beat: rings while the relay is away."""
    ring()


@shared_task
def check_invariants_nightly(**kwargs: object) -> None:
    """Only writes the job: a worker lost in the middle of the check is replaced."""
    request_nightly_run()
