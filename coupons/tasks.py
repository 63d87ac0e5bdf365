"""Beat's side of coupons; and the imports whose job handlers every process must know."""

import time

from celery import shared_task

from coupons.domain import orders, paying_out, recalls, refunds, use_refunds
from coupons.domain.deal_states import end_overdue_deals
from coupons.domain.expiry import expire_coupons
from coupons.domain.use_refunds import agree_overdue
from coupons.payment_providers import sandbox

__all__ = ["orders", "paying_out", "recalls", "refunds", "sandbox", "use_refunds"]

BATCHES = 20
SWEEP_SECONDS = 60  # half the time until beat rings again


@shared_task
def sweep_expired(**kwargs: object) -> None:
    """Expire what is over, in batches with a commit each; the rest waits for the next round."""
    end, refused = time.monotonic() + SWEEP_SECONDS, list[int]()
    while time.monotonic() < end:
        refused_before = len(refused)
        if not expire_coupons(skip=refused) and len(refused) == refused_before:
            return


@shared_task
def end_deals(**kwargs: object) -> None:
    """Deals whose sale is over leave the lists of what is on sale; selling asks the window itself."""
    for _ in range(BATCHES):
        if not end_overdue_deals():
            return


@shared_task
def sweep_reviews(**kwargs: object) -> None:
    """Requests for refunds whose day is over although their jobs were lost or died."""
    for _ in range(BATCHES):
        if not agree_overdue():
            return
