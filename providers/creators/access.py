"""How creators, tasks and claims enter a view: a creator's by his grant, a merchant's by the door of its pages."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.errors import NotFound
from identity.domain.grants import live_grants
from identity.enums import Role
from identity.models import User
from merchants.access import MerchantAccess
from providers.creators.enums import TaskState
from providers.creators.models import Creator, CreatorTask, TaskClaim


def access_creator(*, user: User) -> Creator:
    """The creator this user is. Raises NotFound."""
    grant = (
        live_grants(user=user)
        .filter(party__creator__isnull=False, role=Role.OWNER)
        .select_related("party__creator__party")
        .first()
    )
    if grant is None:
        raise NotFound
    creator: Creator = grant.party.creator
    creator.user = user
    return creator


def is_creator(*, user: User) -> bool:
    return live_grants(user=user).filter(party__creator__isnull=False, role=Role.OWNER).exists()


def access_board_task(*, creator: Creator, task_id: int) -> CreatorTask:
    """A task that was published, unless it is for others only; one he has a claim in in any case. Raises NotFound."""
    chosen = CreatorTask.targeted.through.objects.filter(creatortask_id=OuterRef("pk"))  # type: ignore[attr-defined]
    task = (
        CreatorTask.objects.filter(pk=task_id)
        .exclude(state=TaskState.DRAFT)
        .filter(
            Q(~Exists(chosen))
            | Q(Exists(chosen.filter(creator_id=creator.pk)))
            | Q(Exists(TaskClaim.objects.filter(task_id=OuterRef("pk"), creator=creator)))
        )
        .select_related("merchant", "deal", "store", "provider")
        .first()
    )
    if task is None:
        raise NotFound
    return task


def access_own_claims(*, creator: Creator) -> "QuerySet[TaskClaim]":
    """The creator's claims, newest first."""
    return (
        TaskClaim.objects.filter(creator=creator)
        .select_related("task__merchant", "task__deal", "task__store", "creator")
        .order_by("-id")
    )


def access_own_claim(*, creator: Creator, claim_id: int) -> TaskClaim:
    """One of the creator's. Raises NotFound."""
    claim = access_own_claims(creator=creator).filter(pk=claim_id).first()
    if claim is None:
        raise NotFound
    return claim


def access_tasks(*, access: MerchantAccess) -> "QuerySet[CreatorTask]":
    """The merchant's tasks, newest first."""
    return (
        CreatorTask.objects.filter(merchant=access.merchant)
        .select_related("merchant", "deal", "store", "provider")
        .order_by("-id")
    )


def access_task(*, access: MerchantAccess, task_id: int) -> CreatorTask:
    """One of the merchant's. Raises NotFound."""
    task = access_tasks(access=access).filter(pk=task_id).first()
    if task is None:
        raise NotFound
    return task


def access_claims(*, task: CreatorTask) -> "QuerySet[TaskClaim]":
    """Who took a place in a task that was accessed before, in the order they came."""
    return TaskClaim.objects.filter(task=task).select_related("creator", "task").order_by("id")


def access_claim(*, task: CreatorTask, claim_id: int) -> TaskClaim:
    """One claim in the task. Raises NotFound."""
    claim = access_claims(task=task).filter(pk=claim_id).first()
    if claim is None:
        raise NotFound
    return claim
