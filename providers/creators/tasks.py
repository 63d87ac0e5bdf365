"""Beat's side of the creators' pages; the work itself hangs on job rows."""

from celery import shared_task

from providers.creators.domain import board_records
from providers.creators.domain import claims as claims  # its jobs register on import, in every process
from providers.creators.domain import tasks as tasks


@shared_task
def enqueue_board_records(**kwargs: object) -> None:
    """What the board goes by is counted anew."""
    board_records.enqueue_count()
