"""Exclusive rights (designated carriers): with the merchant's consent only the named may carry its deals somewhere for a time.

The constraint over what is in force decides who was first; the lock only spares the deadlocks of a crowd.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange, NumericRange
from django.db.models import Prefetch, Q
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope

from core.errors import DomainError, Invalid
from coupons.models import Deal
from identity.domain.audit import record_event
from identity.enums import PartyKind
from identity.models import Party, User
from merchants.domain.terms import NotThisSide, speaks_for
from merchants.models import Merchant
from merchants.places.areas import EVERYWHERE, find_area, get_area, name_in_full
from providers.creators.enums import ExclusivityState
from providers.creators.models import Creator, CreatorTask, Exclusivity

MOST_HOLDERS = 50
LONGEST = timedelta(days=366)
MAY_HOLD = (PartyKind.PROVIDER, PartyKind.CREATOR)


class ExclusivityTaken(DomainError):
    """Another right in force overlaps; facts: its holders, area, from_at and until_at."""

    code = "exclusivity_taken"


class ExclusivityAnswered(DomainError):
    """Somebody agreed, refused or ended it before."""

    code = "exclusivity_answered"


@dataclass(frozen=True)
class Reason:
    """Why a task is closed to a creator: `holders` alone carry the deal in `area` (empty: everywhere) until then."""

    exclusivity_id: int
    holders: tuple[str, ...]
    area: str
    until: datetime

    def facts(self) -> dict[str, object]:
        """What a sentence about it is filled with."""
        return {"holders": list(self.holders), "area": self.area, "until_at": self.until.isoformat()}


@transaction.atomic
def propose_exclusivity(
    *,
    merchant: Merchant,
    deal: Deal | None,
    area_code: str,
    begins: datetime,
    ends: datetime,
    holders: Collection[Party],
    for_party_id: int,
    by: User,
    note: str = "",
) -> Exclusivity:
    """A right asked for: only `holders` carry `deal` (None: whatever the merchant sells) in the area from `begins` until `ends`.

    Proposed by the merchant's owner it is in force at once, else (by an owner of a holder, `for_party_id`) it waits for him.
    Raises Invalid(field), NotThisSide, ExclusivityTaken.
    """
    area = EVERYWHERE if area_code == "" else get_area(area_code)
    if area is None:
        raise Invalid(field="area", why="unknown")
    _check(merchant, deal, begins, ends, holders)
    if for_party_id != merchant.pk and for_party_id not in {party.pk for party in holders}:
        raise NotThisSide
    if not speaks_for(user=by, party=Party.objects.get(pk=for_party_id)):
        raise NotThisSide
    wanted = Exclusivity.objects.create(
        merchant=merchant,
        deal=deal,
        area=NumericRange(area.first, area.end),
        area_code=area.code,
        area_name=name_in_full(area),
        period=DateTimeTZRange(begins, ends),
        note=note.strip(),
        proposed_for_id=for_party_id,
        proposed_by=by,
    )
    wanted.holders.set(holders)
    _record("exclusivity.propose", wanted, by)
    return _put_in_force(wanted, by) if for_party_id == merchant.pk else wanted


@transaction.atomic
def agree_exclusivity(*, exclusivity: Exclusivity, by: User) -> Exclusivity:
    """The merchant's owner consents: in force from its begin on. Of two that overlap one is; the other gets the reason.

    Raises NotThisSide, ExclusivityAnswered, ExclusivityTaken; then it still waits. Places taken before are kept.
    """
    if not speaks_for(user=by, party=exclusivity.merchant.party):
        raise NotThisSide
    return _put_in_force(exclusivity, by)


@transaction.atomic
def refuse_exclusivity(*, exclusivity: Exclusivity, by: User) -> Exclusivity:
    """The merchant's owner says no. Raises NotThisSide, ExclusivityAnswered."""
    if not speaks_for(user=by, party=exclusivity.merchant.party):
        raise NotThisSide
    _move(
        exclusivity,
        ExclusivityState.PROPOSED,
        state=ExclusivityState.REFUSED,
        answered_by=by,
        answered_at=Now(),
    )
    _record("exclusivity.refuse", exclusivity, by)
    return exclusivity


@transaction.atomic
def end_exclusivity(*, exclusivity: Exclusivity, by: User) -> Exclusivity:
    """An owner of the merchant or of a holder ends it before its time; tasks are open to all again at once.

    Raises NotThisSide, ExclusivityAnswered.
    """
    sides = [exclusivity.merchant.party, *exclusivity.holders.all()]
    if not any(speaks_for(user=by, party=party) for party in sides):
        raise NotThisSide
    _move(exclusivity, ExclusivityState.IN_FORCE, state=ExclusivityState.ENDED, ended_by=by, ended_at=Now())
    _record("exclusivity.end", exclusivity, by)
    return exclusivity


def exclusivity_for(*, task: CreatorTask, creator: Creator) -> Reason | None:
    """Why this task is closed to this creator by somebody's exclusive right; None where it is not."""
    return closed_by_exclusivity(tasks=[task], creator=creator).get(task.pk)


def closed_by_exclusivity(
    *, tasks: Iterable[CreatorTask], creator: Creator, at: datetime | None = None
) -> dict[int, Reason]:
    """As exclusivity_for, for many tasks in two statements: task id -> reason, of those that are closed to him."""
    tasks = list(tasks)
    rights = in_force(merchant_ids={task.merchant_id for task in tasks}, at=at)
    closed: dict[int, Reason] = {}
    for task in tasks:
        for right in rights.get(task.merchant_id, ()):
            if _covers(right, task) and not _may(right, task, creator):
                closed[task.pk] = Reason(
                    exclusivity_id=right.pk,
                    holders=tuple(sorted(party.name for party in right.holders.all())),
                    area=right.area_name,
                    until=right.period.upper,
                )
    return closed


def in_force(*, merchant_ids: Collection[int], at: datetime | None = None) -> dict[int, list[Exclusivity]]:
    """The rights of these merchants that count now (or at `at`), with their holders loaded."""
    rights = (
        Exclusivity.objects.filter(
            merchant__in=merchant_ids, state=ExclusivityState.IN_FORCE, period__contains=at or timezone.now()
        )
        .prefetch_related(Prefetch("holders", Party.objects.order_by("id")))
        .order_by("id")
    )
    found: dict[int, list[Exclusivity]] = {}
    for right in rights:
        found.setdefault(right.merchant_id, []).append(right)
    return found


def _covers(right: Exclusivity, task: CreatorTask) -> bool:
    """A task somewhere in a city is touched by a right over one of its districts: nobody can tell that it is elsewhere."""
    if right.deal_id not in (None, task.deal_id):
        return False
    area = find_area(city=task.city, district=task.district) or EVERYWHERE
    return right.area.lower < area.end and area.first < right.area.upper


def _may(right: Exclusivity, task: CreatorTask, creator: Creator) -> bool:
    holders = {party.pk for party in right.holders.all()}
    return creator.pk in holders or (task.provider_id is not None and task.provider_id in holders)


def _check(
    merchant: Merchant,
    deal: Deal | None,
    begins: datetime,
    ends: datetime,
    holders: Collection[Party],
) -> None:
    if not begins < ends <= begins + LONGEST or ends <= timezone.now():
        raise Invalid(field="ends", why="out_of_range")
    if not 1 <= len(holders) <= MOST_HOLDERS or any(party.kind not in MAY_HOLD for party in holders):
        raise Invalid(field="holders", why="wrong_kind")
    if deal is not None and deal.merchant_id != merchant.pk:
        raise Invalid(field="deal", why="unknown")


def _put_in_force(exclusivity: Exclusivity, by: User) -> Exclusivity:
    Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=exclusivity.merchant_id)
    try:
        with transaction.atomic():
            _move(
                exclusivity, ExclusivityState.PROPOSED,
                state=ExclusivityState.IN_FORCE, answered_by=by, answered_at=Now(),
            )  # fmt: skip
    except IntegrityError as error:
        raise _taken(exclusivity, error) from error
    _record("exclusivity.agree", exclusivity, by)
    return exclusivity


def _taken(exclusivity: Exclusivity, error: IntegrityError) -> DomainError:
    """Whose right overlaps; the error itself where it says something else."""
    rights = Exclusivity.objects.filter(
        merchant=exclusivity.merchant_id, state=ExclusivityState.IN_FORCE,
        area__overlap=exclusivity.area, period__overlap=exclusivity.period,
    )  # fmt: skip
    if exclusivity.deal_id is not None:
        rights = rights.filter(Q(deal__isnull=True) | Q(deal=exclusivity.deal_id))
    other = rights.prefetch_related("holders").first()
    if other is None:
        raise error
    return ExclusivityTaken(
        holders=sorted(party.name for party in other.holders.all()),
        area=other.area_name,
        begins_at=other.period.lower.isoformat(),
        until_at=other.period.upper.isoformat(),
    )


def _move(exclusivity: Exclusivity, before: ExclusivityState, **values: object) -> None:
    if not Exclusivity.objects.filter(pk=exclusivity.pk, state=before).update(**values):
        raise ExclusivityAnswered
    exclusivity.refresh_from_db()


def _record(verb: str, exclusivity: Exclusivity, by: User) -> None:
    with scope(merchant=exclusivity.merchant_id):
        deal = exclusivity.deal.title if exclusivity.deal else ""
    record_event(
        verb=verb, noun="exclusivity", noun_id=exclusivity.pk, by=by, merchant_id=exclusivity.merchant_id,
        deal=deal, area=exclusivity.area_name,
    )  # fmt: skip
