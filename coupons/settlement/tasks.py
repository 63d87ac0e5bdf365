"""Beat's side of settlement; the work itself hangs on job rows."""

import logging

from celery import shared_task
from django_scopes import scopes_disabled

from core.domain.jobs import enqueue_job, job_handler
from core.models import Job
from coupons.settlement.domain import fetching, reconciliation, settlement  # noqa: F401 - their jobs register
from coupons.settlement.domain.progress import take_back_progress
from coupons.settlement.domain.statements import last_finished_day, seal_statements
from coupons.settlement.models import SettlementLine
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
    """A job for each merchant with a finished day in no statement; shadow shops are never stated."""
    with scopes_disabled():
        open_days = (
            SettlementLine.objects.filter(statement__isnull=True, merchant__shadow_of__isnull=True)
            .values_list("merchant_id", "business_date")
            .distinct()
        )
        merchants = Merchant.objects.in_bulk({merchant_id for merchant_id, _ in open_days})
        for merchant_id, day in open_days:
            if day <= last_finished_day(merchant=merchants[merchant_id]):
                enqueue_job(
                    kind="seal_statements",
                    key=f"{merchant_id}:{day}:{SettlementLine.objects.filter(merchant_id=merchant_id).latest('id').pk}",
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
