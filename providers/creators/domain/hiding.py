"""Tasks a creator does not want to see."""

from django.db.models import QuerySet

from providers.creators.models import Creator, CreatorTask, HiddenTask


def hide_task(*, task: CreatorTask, creator: Creator) -> None:
    """It stands on his board no more; however often he says so."""
    HiddenTask.objects.bulk_create([HiddenTask(creator=creator, task=task)], ignore_conflicts=True)


def show_task(*, task: CreatorTask, creator: Creator) -> None:
    """It may stand on his board again."""
    HiddenTask.objects.filter(creator=creator, task=task).delete()


def list_hidden(*, creator: Creator) -> "QuerySet[HiddenTask]":
    """What he hid, the last first."""
    return (
        HiddenTask.objects.filter(creator=creator)
        .select_related("task__merchant")
        .order_by("-hidden_at", "-id")
    )
