"""The places of a task. Lock order everywhere in this app: the task, then its claims, then their links."""

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from core.errors import DomainError
from providers.creators.enums import TaskState
from providers.creators.models import CreatorTask


class TaskNotOpen(DomainError):
    """Not open yet, over, or its time is up."""

    code = "task_not_open"


class TaskFull(DomainError):
    """Somebody else took the last place."""

    code = "task_full"


def is_open_now() -> Q:
    """The condition under which a task stands on the board."""
    return Q(state=TaskState.OPEN, opens_at__lte=Now(), closes_at__gt=Now())


def take_place(*, task_id: int) -> None:
    """Count one more place as taken, in one conditional update; the last place makes the task full.

    Of any number of tries at once exactly as many succeed as there are places. Raises TaskFull, TaskNotOpen.
    """
    taken = CreatorTask.objects.filter(is_open_now(), pk=task_id, taken__lt=F("quota")).update(
        taken=F("taken") + 1,
        state=Case(When(quota=F("taken") + 1, then=Value(TaskState.FULL)), default=F("state")),
    )
    if taken:
        return
    if CreatorTask.objects.filter(pk=task_id, state=TaskState.FULL, closes_at__gt=Now()).exists():
        raise TaskFull
    raise TaskNotOpen


def give_places_back(*, task_id: int, count: int = 1) -> None:
    """Count so many places as free again; a full task is open again."""
    if count:
        CreatorTask.objects.filter(pk=task_id).update(
            taken=F("taken") - count,
            state=Case(When(state=TaskState.FULL, then=Value(TaskState.OPEN)), default=F("state")),
        )


def lock_task(*, task_id: int) -> CreatorTask:
    """The task, held until the transaction is over."""
    return CreatorTask.objects.select_for_update(no_key=True).get(pk=task_id)
