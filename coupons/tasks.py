"""Beat's side of coupons; and the imports whose job handlers every process must know."""

from celery import shared_task

from coupons.domain import orders, refunds
from coupons.domain.deal_states import end_overdue_deals
from coupons.domain.expiry import expire_coupons
from coupons.payment_providers import sandbox

__all__ = ["orders", "refunds", "sandbox"]

BATCHES = 20


@shared_task
def sweep_expired(**kwargs: object) -> None:
    """Expire what is over, in batches with a commit each; the rest waits for the next round."""
    for _ in range(BATCHES):
        if not expire_coupons():
            return


@shared_task
def end_deals(**kwargs: object) -> None:
    """Deals whose sale is over leave the lists of what is on sale; selling asks the window itself."""
    for _ in range(BATCHES):
        if not end_overdue_deals():
            return
