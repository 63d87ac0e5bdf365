"""Beat's side of live sessions; and the import whose job handler every process must know."""

from celery import shared_task

from coupons.live.domain import openings, session_states

__all__ = ["session_states"]


@shared_task
def flush_openings(**kwargs: object) -> None:
    """Openings of cards, from Redis into their minutes."""
    openings.flush_openings()
