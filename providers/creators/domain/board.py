"""The board: open tasks a creator may take, near him first."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from math import cos, radians

from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import ASin, Cast, Cos, Power, Radians, Sin, Sqrt

from coupons.enums import DealState
from merchants.enums import Category
from providers.creators.domain.places import is_open_now
from providers.creators.enums import ClaimState, TaskKind
from providers.creators.models import Creator, CreatorTask, HiddenTask, TaskClaim

EARTH_METRES = 6_371_000
METRES_OF_A_DEGREE = 111_320
SORTS = ("near", "commission", "closing")


@dataclass(frozen=True)
class BoardFilter:
    """What the creator narrows the board to; `at`: where from (longitude, latitude), else his profile's place."""

    sort: str = "near"
    kind: TaskKind | None = None
    categories: Collection[Category] = ()
    radius_km: int | None = None
    at: tuple[Decimal, Decimal] | None = None


def list_board(*, creator: Creator, narrow: BoardFilter | None = None) -> "QuerySet[CreatorTask]":
    """Open tasks he may take and has no claim in, each with `metres` (None: place not known), nearest first.

    Around his place within the radius; where he states none, those of his city.
    """
    narrow = narrow or BoardFilter()
    tasks = eligible_tasks(creator=creator)
    if narrow.kind:
        tasks = tasks.filter(kind=narrow.kind)
    if narrow.categories:
        tasks = tasks.filter(category__in=list(narrow.categories))
    place = narrow.at
    if place is None and creator.longitude is not None and creator.latitude is not None:
        place = creator.longitude, creator.latitude
    if place is None:
        tasks = tasks.filter(city=creator.city).annotate(metres=Value(None, output_field=FloatField()))
    else:
        metres = (narrow.radius_km or creator.radius_km) * 1_000
        tasks = _around(tasks, place, metres)
    nearest = F("metres").asc(nulls_last=True)
    order = {"near": nearest, "commission": F("commission_bps").desc(), "closing": F("closes_at").asc()}
    return tasks.order_by(order.get(narrow.sort, nearest), nearest, "-id").select_related(
        "merchant", "deal", "store"
    )


def eligible_tasks(*, creator: Creator) -> "QuerySet[CreatorTask]":
    """Open now, of a deal on sale, for him, not hidden by him, and without a claim of his that holds or was turned down."""
    chosen = CreatorTask.targeted.through.objects.filter(creatortask_id=OuterRef("pk"))  # type: ignore[attr-defined]
    his = TaskClaim.objects.filter(task_id=OuterRef("pk"), creator=creator).exclude(
        state__in=[ClaimState.QUIT, ClaimState.EXPIRED]
    )
    hidden = HiddenTask.objects.filter(task_id=OuterRef("pk"), creator=creator)
    return CreatorTask.objects.filter(
        is_open_now(), min_followers__lte=creator.followers, deal__state=DealState.ONLINE
    ).filter(
        Q(~Exists(chosen)) | Q(Exists(chosen.filter(creator_id=creator.pk))), ~Exists(his), ~Exists(hidden)
    )


def _around(
    tasks: "QuerySet[CreatorTask]", place: tuple[Decimal, Decimal], metres: int
) -> "QuerySet[CreatorTask]":
    """Within so many metres as the crow flies; a box first, so that the sines are worked out for few."""
    east, north = float(place[0]), float(place[1])
    high = metres / METRES_OF_A_DEGREE
    wide = high / max(0.05, cos(radians(north)))
    half_up = Sin((Radians(Cast("latitude", FloatField())) - Radians(Value(north))) / 2)
    half_across = Sin((Radians(Cast("longitude", FloatField())) - Radians(Value(east))) / 2)
    chord = Power(half_up, 2) + Cos(Radians(Value(north))) * Cos(
        Radians(Cast("latitude", FloatField()))
    ) * Power(half_across, 2)
    return (
        tasks.filter(
            longitude__range=(east - wide, east + wide), latitude__range=(north - high, north + high)
        )
        .annotate(metres=2 * EARTH_METRES * ASin(Sqrt(chord)))
        .filter(metres__lte=metres)
    )
