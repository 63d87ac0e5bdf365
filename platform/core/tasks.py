"""Celery's side of the doorbell."""

from celery import shared_task

from core.domain.invariant_runs import request_nightly_run
from core.domain.jobs import lease_due_jobs, release_jobs, run_job

CHUNK = 20


@shared_task
def run_jobs(*, job_ids: list[int], **kwargs: object) -> None:
    for job_id in job_ids:
        run_job(job_id=job_id)


def ring(*, limit: int = 500) -> int:
    """Lease due jobs and ring Celery for them; the number rung for. Leases go back where Redis is away."""
    job_ids = lease_due_jobs(limit=limit)
    for start in range(0, len(job_ids), CHUNK):
        try:
            run_jobs.apply_async(kwargs={"job_ids": job_ids[start : start + CHUNK]}, retry=False)
        except Exception:
            release_jobs(job_ids=job_ids[start:])
            raise
    return len(job_ids)


@shared_task
def sweep(**kwargs: object) -> None:
    """What the relay does, from beat: rings while the relay is away."""
    ring()


@shared_task
def check_invariants_nightly(**kwargs: object) -> None:
    """Only writes the job: a worker lost in the middle of the check is replaced."""
    request_nightly_run()
