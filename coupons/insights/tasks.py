"""Beat's side of the roll-ups; the work itself hangs on job rows. Old installations are caught up the same way."""

from celery import shared_task

from coupons.insights.domain import roll_ups


@shared_task
def enqueue_roll_ups(**kwargs: object) -> None:
    """A job for each merchant with a day that is over and not summed."""
    roll_ups.enqueue_roll_ups()
