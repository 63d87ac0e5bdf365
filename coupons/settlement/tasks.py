"""Beat's side of settlement; the work itself hangs on job rows."""

import logging

from celery import shared_task
from django_scopes import scopes_disabled

from core.domain.jobs import MAX_ATTEMPTS, enqueue_job, extend_lease, job_handler
from core.enums import JobQueue
from core.models import Job
from coupons.settlement import export
from coupons.settlement.domain import fetching, reconciliation, settlement  # noqa: F401 - their jobs register
from coupons.settlement.domain.files import JOB as FILE_JOB
from coupons.settlement.domain.files import make_file, sweep_files
from coupons.settlement.domain.progress import take_back_progress
from coupons.settlement.domain.sealing import find_unstated, seal_statements
from coupons.settlement.domain.unanswered import confirm_unanswered
from merchants.models import Merchant

logger = logging.getLogger(__name__)


@shared_task
def sweep_unsettled(**kwargs: object) -> None:
    settlement.enqueue_unsettled()


@shared_task
def look_behind_the_mark(**kwargs: object) -> None:
    """Nightly, over the whole history: every run looks from the mark on only."""
    if moved := take_back_progress():
        logger.error("settlement had passed something over for %s merchants: it is taken now", moved)


@shared_task
def enqueue_statements(**kwargs: object) -> None:
    """A job for each merchant with lines that are in no statement of one of their payees and may be by now."""
    with scopes_disabled():
        for merchant_id, newest in find_unstated():
            enqueue_job(
                kind="seal_statements",
                key=f"{merchant_id}:{newest}",
                payload={"merchant_id": merchant_id},
                merchant_id=merchant_id,
            )


@job_handler("seal_statements")
def seal_by_job(job: Job) -> None:
    seal_statements(merchant=Merchant.objects.get(pk=job.payload["merchant_id"]))


@shared_task
def enqueue_reconciliation(**kwargs: object) -> None:
    """A job for each merchant's day that is over: its providers' bills are fetched and the day is matched."""
    fetching.enqueue_finished_days()


@job_handler(FILE_JOB, calls_outside=True, queue=JobQueue.INSIDE)  # in no transaction: its progress is seen
def make_file_by_job(job: Job) -> None:
    make_file(
        file_id=job.payload["file_id"],
        write=export.write_file,
        is_last_try=job.attempts >= MAX_ATTEMPTS,
        still_there=lambda: extend_lease(job_id=job.pk),
    )


@shared_task
def sweep_statement_files(**kwargs: object) -> None:
    sweep_files()


@shared_task
def confirm_unanswered_statements(**kwargs: object) -> None:
    confirm_unanswered()
