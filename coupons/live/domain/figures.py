"""What a session sold: the wall's and the review's figures, each from a few statements however many orders there are.

A session's orders are those placed by its cards, also by somebody who opened one during the show and bought a minute after
it. Sold is what was paid, whatever was refunded later. Amounts are fen. Call inside the merchant's scope.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, DateTimeField, F, Func, Q, Sum, Value
from django.db.models.functions import Coalesce

from coupons.enums import DealState, Entrance, OrderState, RefundState
from coupons.live.enums import LiveState
from coupons.live.models import LiveOpening, LiveSession, LiveSessionDeal
from coupons.models import Coupon, Order, Refund

MOST_POINTS = 120  # of the curve; a longer show gets wider steps
STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60)
RECENT = timedelta(minutes=5)
LOW_SHARE = 10  # a tenth of the allotment left, or fewer than LOW_PIECES, is low
LOW_PIECES = 5

NOTHING_YET = Value(0)
ORDER_SUMS = (
    "orders", "paid_orders", "waiting_orders", "pieces", "gmv_fen", "refunded_fen", "recent_fen",
)  # fmt: skip


@dataclass(frozen=True)
class Sums:
    """Of some of a session's orders."""

    orders: int = 0
    paid_orders: int = 0
    waiting_orders: int = 0
    pieces: int = 0
    gmv_fen: int = 0
    refunded_fen: int = 0
    recent_fen: int = 0
    openings: int = 0
    coupons: int = 0
    redeemed: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    @property
    def paid_bps(self) -> int | None:
        """Paid orders to openings, in basis points."""
        return share_bps(self.paid_orders, self.openings)

    @property
    def redeemed_bps(self) -> int | None:
        return share_bps(self.redeemed, self.coupons)

    @property
    def average_fen(self) -> int | None:
        return self.gmv_fen // self.paid_orders if self.paid_orders else None


@dataclass(frozen=True)
class Product:
    """A deal of the session: what it sold and what its pool has."""

    live_deal: LiveSessionDeal
    sums: Sums
    free: int
    held: int

    @property
    def is_low(self) -> bool:
        return 0 < self.free < max(LOW_PIECES, self.live_deal.pieces // LOW_SHARE)

    @property
    def is_sold_out(self) -> bool:
        return self.free == 0

    @property
    def is_on_sale(self) -> bool:
        return self.live_deal.deal.state == DealState.ONLINE


@dataclass(frozen=True)
class Point:
    """What was paid in the step of the curve that begins at this moment."""

    at: datetime
    fen: int
    orders: int


@dataclass(frozen=True)
class Source:
    """Orders of the session's deals during the show, by where the customer came from; "" is the shop itself."""

    entrance: str
    orders: int
    fen: int

    @property
    def label(self) -> str:
        return str(Entrance(self.entrance).label) if self.entrance else ""


@dataclass(frozen=True)
class SessionFigures:
    total: Sums = field(default_factory=Sums)
    page_openings: int = 0
    products: list[Product] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    step_minutes: int = 1
    sources: list[Source] = field(default_factory=list)
    open_refunds: int = 0

    @property
    def peak(self) -> Point | None:
        best = max(self.points, key=lambda point: point.fen, default=None)
        return best if best and best.fen else None

    @property
    def low(self) -> list[Product]:
        return [product for product in self.products if product.is_low or product.is_sold_out]


def share_bps(part: int, whole: int) -> int | None:
    """The share in basis points, rounded half up; None of nothing."""
    return (2 * part * 10_000 + whole) // (2 * whole) if whole else None


def count_figures(*, session: LiveSession, at: datetime) -> SessionFigures:
    """Everything the wall and the review show, in six statements; the orders are read once."""
    rows = list(
        session.deals.select_related("deal")
        .annotate(
            free=Coalesce(Sum("pool__slots__free"), NOTHING_YET),
            held=Coalesce(Sum("pool__slots__held"), NOTHING_YET),
        )
        .order_by("position", "id")  # a model's own order does not hold where rows are summed
    )
    placements = [row.placement_id for row in rows]
    until = session.ended_at or at
    steps = _steps(session, until)
    orders, paid = _sum_orders(placements, recent_from=at - RECENT, bins=steps)
    coupons = _count_coupons(placements)
    openings = dict(
        LiveOpening.objects.filter(session=session)
        .order_by()
        .values_list("live_deal_id")
        .annotate(count=Sum("count"))
    )
    products = [
        Product(
            live_deal=row,
            sums=Sums(
                **orders.get(row.placement_id, {}),
                **coupons.get(row.placement_id, {}),
                openings=openings.get(row.pk, 0),
            ),
            free=row.free,  # type: ignore[attr-defined]
            held=row.held,  # type: ignore[attr-defined]
        )
        for row in rows
    ]
    return SessionFigures(
        total=sum((product.sums for product in products), Sums()),
        page_openings=openings.get(None, 0),
        products=products,
        points=[Point(at=moment, fen=paid[moment][0], orders=paid[moment][1]) for moment in steps.moments]
        if steps
        else [],
        step_minutes=steps.minutes if steps else 1,
        sources=_sources(session, [row.deal_id for row in rows], until),
        open_refunds=Refund.objects.filter(
            order__placement_id__in=placements,
            state__in=[RefundState.REQUESTED, RefundState.APPROVED, RefundState.FAILED],
        ).count(),
    )


def sum_sessions(*, sessions: Sequence[LiveSession]) -> dict[int, Sums]:
    """The sums of several sessions by their ids, in three statements: for lists and comparisons."""
    placements = dict(
        LiveSessionDeal.objects.filter(session__in=[session.pk for session in sessions])
        .order_by()
        .values_list("placement_id", "session_id")
    )
    sums = {session.pk: Sums() for session in sessions}
    (orders, _paid), coupons = _sum_orders(list(placements)), _count_coupons(list(placements))
    for placement_id, session_id in placements.items():
        sums[session_id] += Sums(**orders.get(placement_id, {}), **coupons.get(placement_id, {}))
    return sums


@dataclass(frozen=True)
class Steps:
    """The steps of the curve, from a round time of the day on: 18:00, 18:05, …"""

    begin: datetime
    minutes: int
    count: int

    @property
    def width(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def moments(self) -> list[datetime]:
        return [self.begin + step * self.width for step in range(self.count)]


def _steps(session: LiveSession, until: datetime) -> Steps | None:
    """From the beginning to the end, at most MOST_POINTS where the show is not days long."""
    if session.started_at is None:
        return None
    begin = session.started_at.replace(second=0, microsecond=0)
    minutes = int((until - begin).total_seconds() // 60) + 1
    width = next((width for width in STEPS_MINUTES if minutes <= width * MOST_POINTS), STEPS_MINUTES[-1])
    begin -= timedelta(minutes=(begin.hour * 60 + begin.minute) % width)
    return Steps(begin=begin, minutes=width, count=int((until - begin) // timedelta(minutes=width)) + 1)


def _sum_orders(
    placements: list[int], *, recent_from: datetime | None = None, bins: Steps | None = None
) -> tuple[dict[int, dict[str, int]], dict[datetime, tuple[int, int]]]:
    """Sums by placement, and with bins (fen, orders) paid by step; one statement either way."""
    paid = Q(paid_at__isnull=False)
    recent = Q(paid_at__gt=recent_from) if recent_from else Q(pk__isnull=True)
    orders = Order.objects.filter(placement_id__in=placements).order_by()
    keys = ["placement_id"]
    if bins:
        orders = orders.annotate(
            bin=Func(
                Value(bins.width), F("paid_at"), Value(bins.begin), function="date_bin",
                output_field=DateTimeField(),
            )
        )  # fmt: skip
        keys.append("bin")
    rows = orders.values_list(*keys).annotate(
        count=Count("pk"),
        paid=Count("pk", filter=paid),
        waiting=Count("pk", filter=Q(state=OrderState.CREATED)),
        sold=Coalesce(Sum("quantity", filter=paid), NOTHING_YET),
        fen=Coalesce(Sum("total_fen", filter=paid), NOTHING_YET),
        refunded=Coalesce(Sum("refunded_fen", filter=paid), NOTHING_YET),
        recent=Coalesce(Sum("total_fen", filter=recent), NOTHING_YET),
    )
    sums: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(ORDER_SUMS, 0))
    steps: dict[datetime, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        numbers = dict(zip(ORDER_SUMS, row[len(keys) :], strict=True))
        for name, number in numbers.items():
            sums[row[0]][name] += number
        if bins:
            fen, count = steps[row[1]]
            steps[row[1]] = (fen + numbers["gmv_fen"], count + numbers["paid_orders"])
    return dict(sums), steps


def _count_coupons(placements: list[int]) -> dict[int, dict[str, int]]:
    """Redeemed: at least one of its uses."""
    rows = (
        Coupon.objects.filter(order__placement_id__in=placements)
        .order_by()
        .values_list("order__placement_id")
        .annotate(coupons=Count("pk"), redeemed=Count("pk", filter=Q(uses_left__lt=F("uses_total"))))
    )
    return {
        placement_id: {"coupons": coupons, "redeemed": redeemed} for placement_id, coupons, redeemed in rows
    }


def _sources(session: LiveSession, deal_ids: list[int], until: datetime) -> list[Source]:
    if session.state == LiveState.PLANNED or session.started_at is None:
        return []
    rows = (
        Order.objects.filter(
            merchant_id=session.merchant_id,
            paid_at__gte=session.started_at,
            paid_at__lte=until,
            deal_id__in=deal_ids,
        )
        .order_by()
        .values("entrance")
        .annotate(orders=Count("pk"), fen=Sum("total_fen"))
    )
    sources = [Source(entrance=row["entrance"], orders=row["orders"], fen=row["fen"]) for row in rows]
    return sorted(sources, key=lambda source: (-source.fen, source.entrance))
