"""Beat's side of live sessions; and the import whose job handler every process must know."""

from celery import shared_task
from django_scopes import scopes_disabled

from core.domain.jobs import job_handler
from core.enums import JobQueue
from core.models import Job
from coupons.live.domain import openings, rehearsals, session_states
from coupons.live.enums import RehearsalState
from coupons.live.models import Rehearsal
from coupons.live.rehearsal.launch import launch_rehearsal
from coupons.live.rehearsal.shutting import shut_lost_rehearsal

__all__ = ["session_states"]


@shared_task
def flush_openings(**kwargs: object) -> None:
    """Openings of cards, from Redis into their minutes."""
    openings.flush_openings()


@shared_task
def end_lost_rehearsals(**kwargs: object) -> None:
    """Rehearsals whose process was killed, also where nobody looks at their pages."""
    rehearsals.end_lost_rehearsals()


@job_handler("start_rehearsal", calls_outside=True, queue=JobQueue.INSIDE)
def start_rehearsal(job: Job) -> None:
    """Start its process; one that was started twice finds its row taken and ends."""
    with scopes_disabled():
        rehearsal = Rehearsal.objects.filter(
            pk=job.payload["rehearsal_id"], state=RehearsalState.REQUESTED
        ).first()
    if rehearsal is not None:
        launch_rehearsal(rehearsal)


@job_handler("shut_rehearsal", calls_outside=True, queue=JobQueue.INSIDE)
def shut_rehearsal(job: Job) -> None:
    """Outside a transaction: a shop in the middle of a rush has many orders to close."""
    shut_lost_rehearsal(rehearsal_id=job.payload["rehearsal_id"])
