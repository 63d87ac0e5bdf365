"""Tasks: written, opened to creators, and over when their time is up or whoever published them ends them."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope

from core.domain.jobs import enqueue_job, job_handler
from core.errors import DomainError, Invalid
from core.models import Job
from coupons.domain.entrances import can_have_links
from coupons.models import Deal
from identity.domain.audit import record_event
from identity.models import User
from merchants.domain.coordinates import to_gcj02
from merchants.enums import CoordinateSystem, ShareKind, StoreState, TermsState
from merchants.models import Merchant, Store, Terms
from providers.creators.domain.links import close_links
from providers.creators.domain.places import give_places_back, lock_task
from providers.creators.enums import ClaimState, TaskKind, TaskState
from providers.creators.models import Creator, CreatorTask, TaskClaim

MOST_COMMISSION_BPS = 5_000
MOST_PLACES = 10_000
# What ends without having been done when its task does; what was handed in is still answered.
UNDONE = (ClaimState.CLAIMED, ClaimState.APPROVED, ClaimState.VISITED, ClaimState.RETURNED)


class TaskNotDraft(DomainError):
    """Only a draft is rewritten: creators rely on what an open task says."""

    code = "task_not_draft"


class TaskOver(DomainError):
    """The task has ended."""

    code = "task_over"


@dataclass(frozen=True)
class TaskPlan:
    """What a task asks and gives. `targeted`: keys of the creators it is for; none: all who have `min_followers`."""

    deal_id: int
    store_id: int
    title: str
    commission_bps: int
    quota: int
    opens_at: datetime
    closes_at: datetime
    brief: str = ""
    kind: TaskKind = TaskKind.VIDEO
    min_followers: int = 0
    sample: bool = False
    targeted: Collection[int] = ()


@transaction.atomic
def create_task(
    *, merchant: Merchant, plan: TaskPlan, by: User, provider_id: int | None = None
) -> CreatorTask:
    """A draft nobody else sees; `provider_id` is who publishes it for the merchant. Raises Invalid(field)."""
    task = CreatorTask.objects.create(
        merchant=merchant, provider_id=provider_id, created_by=by, **_columns(merchant, plan)
    )
    task.targeted.set(_creators(plan.targeted))
    _record("task.create", task, by)
    return task


@transaction.atomic
def change_draft(*, task: CreatorTask, plan: TaskPlan, by: User) -> CreatorTask:
    """The draft says this from now on. Raises TaskNotDraft, Invalid(field)."""
    task = lock_task(task_id=task.pk)
    if task.state != TaskState.DRAFT:
        raise TaskNotDraft
    for column, value in _columns(task.merchant, plan).items():
        setattr(task, column, value)
    task.save()
    task.targeted.set(_creators(plan.targeted))
    _record("task.change", task, by)
    return task


@transaction.atomic
def open_task(*, task: CreatorTask, by: User) -> CreatorTask:
    """From opens_at on it stands on the board; a job ends it at closes_at.

    Raises TaskNotDraft, and Invalid(field) for a deal that is not on sale, a time that is over or a commission the
    terms in force leave no room for.
    """
    task = lock_task(task_id=task.pk)
    if task.state != TaskState.DRAFT:
        raise TaskNotDraft
    if task.closes_at <= timezone.now():
        raise Invalid(field="closes_at", why="over")
    with scope(merchant=task.merchant_id):
        if not can_have_links(deal=Deal.objects.get(pk=task.deal_id)):
            raise Invalid(field="deal_id", why="not_on_sale")
        others = Terms.objects.filter(state=TermsState.IN_FORCE).exclude(kind=ShareKind.COMMISSION)
        if task.commission_bps + (others.aggregate(sum=Sum("bps"))["sum"] or 0) > 10_000:
            raise Invalid(field="commission_bps", why="above_whole")
    task.state = TaskState.OPEN
    task.save(update_fields=["state"])
    _arrange_end(task)
    _record("task.open", task, by)
    return task


@transaction.atomic
def extend_task(*, task: CreatorTask, quota: int, closes_at: datetime, by: User) -> CreatorTask:
    """More or fewer places, a later or earlier end; nobody who has a place loses it by that.

    Raises TaskOver, Invalid(field="quota" or "closes_at").
    """
    task = lock_task(task_id=task.pk)
    if task.state not in (TaskState.OPEN, TaskState.FULL):
        raise TaskOver
    if not max(task.taken, 1) <= quota <= MOST_PLACES:
        raise Invalid(field="quota", why="out_of_range")
    if closes_at <= max(timezone.now(), task.opens_at):
        raise Invalid(field="closes_at", why="over")
    task.quota, task.closes_at = quota, closes_at
    task.state = TaskState.FULL if task.taken == quota else TaskState.OPEN
    task.save(update_fields=["quota", "closes_at", "state"])
    _arrange_end(task)
    _record("task.extend", task, by, quota=quota)
    return task


@transaction.atomic
def end_task(*, task: CreatorTask, by: User | None) -> CreatorTask:
    """The task is over: what nobody did is given up, what was handed in is still answered, and every link is closed.

    What was ordered before stays the creator's. Raises TaskOver.
    """
    task = lock_task(task_id=task.pk)
    if task.state == TaskState.ENDED:
        raise TaskOver
    task.state, task.ended_at = TaskState.ENDED, timezone.now()
    task.save(update_fields=["state", "ended_at"])
    close_links(claims=TaskClaim.objects.filter(task=task), merchant_id=task.merchant_id)
    undone = TaskClaim.objects.filter(task=task, state__in=UNDONE).update(
        state=ClaimState.EXPIRED, ended_at=task.ended_at, due_at=None
    )
    give_places_back(task_id=task.pk, count=undone)
    _record("task.end", task, by, given_up=undone)
    return task


@job_handler("end_task")
def end_task_in_time(job: Job) -> None:
    """Its time is up; one that was given more time, or ended before, stays as it is."""
    task = CreatorTask.objects.filter(pk=job.payload["task_id"], closes_at__lte=Now()).first()
    if task is not None and task.state != TaskState.ENDED:
        end_task(task=task, by=None)


def _columns(merchant: Merchant, plan: TaskPlan) -> dict[str, Any]:
    """What the plan writes, with what is copied from the merchant and the store. Raises Invalid(field)."""
    if merchant.is_shadow:
        raise Invalid(field="merchant", why="rehearsal")
    title = plan.title.strip()
    if not title or len(title) > 60:
        raise Invalid(field="title", why="length")
    if not 0 <= plan.commission_bps <= MOST_COMMISSION_BPS:
        raise Invalid(field="commission_bps", why="out_of_range")
    if not 1 <= plan.quota <= MOST_PLACES:
        raise Invalid(field="quota", why="out_of_range")
    if plan.min_followers < 0:
        raise Invalid(field="min_followers", why="out_of_range")
    if plan.closes_at <= plan.opens_at:
        raise Invalid(field="closes_at", why="before_opening")
    with scope(merchant=merchant.pk):
        deal = Deal.objects.filter(pk=plan.deal_id).first()
        if deal is None:
            raise Invalid(field="deal_id", why="unknown")
        stores = Store.objects if deal.all_stores else deal.stores
        store = stores.filter(pk=plan.store_id, state=StoreState.OPEN).first()
        if store is None:
            raise Invalid(field="store_id", why="unknown")
    columns = asdict(plan) | {"title": title, "brief": plan.brief.strip()}
    del columns["targeted"]
    place = store.longitude, store.latitude
    if store.longitude and store.latitude and store.coordinate_system == CoordinateSystem.WGS84:
        place = to_gcj02(longitude=store.longitude, latitude=store.latitude)
    return columns | {
        "category": merchant.category,
        "city": store.city,
        "district": store.district,
        "longitude": place[0],
        "latitude": place[1],
    }


def _creators(keys: Collection[int]) -> list[Creator]:
    found = list(Creator.objects.filter(pk__in=set(keys)))
    if len(found) != len(set(keys)):
        raise Invalid(field="targeted", why="unknown")
    return found


def _arrange_end(task: CreatorTask) -> None:
    enqueue_job(
        kind="end_task", key=f"{task.pk}:{task.closes_at.isoformat()}", payload={"task_id": task.pk},
        merchant_id=task.merchant_id, due_at=task.closes_at,
    )  # fmt: skip


def _record(verb: str, task: CreatorTask, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb, noun="creator_task", noun_id=task.pk, by=by, merchant_id=task.merchant_id, title=task.title,
        **facts,
    )  # fmt: skip
