"""A deal's entrances: links made by hand, and pieces set aside for those who come by them.

An entrance has one allotment per deal for good: closed, it is opened again when pieces are set aside anew, so a link that
hangs on it once sells from it whenever it is open, and from the general stock while it is closed. Lock order: the deal's
row, then its pools as stock.py says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django_scopes import scope

from core.errors import DomainError, Invalid, NotFound
from coupons.domain.deal_states import DealNotInState
from coupons.domain.placements import close_placement, create_placement
from coupons.domain.stock import allot_stock, change_allotment, close_pool, reopen_pool
from coupons.enums import LINK_ENTRANCES, DealState, Entrance, OrderState, StockPoolKind
from coupons.models import Deal, Order, Placement, StockPool, StockSlot
from identity.domain.audit import record_event
from identity.models import User

MOST_LINKS = 60  # open ones of a deal
LABEL_LENGTH = 60
SELLING = (DealState.ONLINE, DealState.PAUSED)


class TooManyLinks(DomainError):
    """The deal has as many open links as it may (`facts["limit"]`)."""

    code = "too_many_links"


@dataclass(frozen=True)
class Link:
    """A link and the pieces paid for by it, whatever was refunded later; `waiting` are pieces in unpaid orders."""

    placement: Placement
    sold: int
    waiting: int


@dataclass(frozen=True)
class EntranceFigures:
    """What came by one entrance; with an allotment its pieces: set aside in all, free, and taken (sold or held)."""

    entrance: Entrance
    links: list[Link] = field(default_factory=list)
    pool: StockPool | None = None
    free: int = 0
    taken: int = 0

    @property
    def sold(self) -> int:
        return sum(link.sold for link in self.links)

    @property
    def waiting(self) -> int:
        return sum(link.waiting for link in self.links)

    @property
    def open_links(self) -> list[Link]:
        return [link for link in self.links if link.placement.closed_at is None]

    @property
    def has_own(self) -> bool:
        """Pieces are set aside for it now."""
        return self.pool is not None and self.pool.closed_at is None

    @property
    def pieces(self) -> int | None:
        """Set aside in all, sold ones among them; None while it sells from the general stock."""
        return self.free + self.taken if self.has_own else None


def can_have_links(*, deal: Deal) -> bool:
    """On sale or paused, and to everybody: only such a deal stands in the shop."""
    return deal.state in SELLING and deal.audience_id is None


@transaction.atomic
def add_link(*, deal: Deal, entrance: Entrance, label: str, by: User | None) -> Placement:
    """A link of its own for one video, list or comment; it sells the entrance's pieces where it has any.

    Raises DealNotInState, TooManyLinks(limit), Invalid(field="entrance" or "label").
    """
    label = label.strip()
    if not label or len(label) > LABEL_LENGTH:
        raise Invalid(field="label", why="length")
    _check_linkable(entrance)
    with scope(merchant=deal.merchant_id):
        _lock_selling(deal)
        if _links(deal).filter(closed_at__isnull=True).count() >= MOST_LINKS:
            raise TooManyLinks(limit=MOST_LINKS)
        pool = _pool(deal, entrance)
        placement = create_placement(deal=deal, entrance=entrance, pool=pool, label=label, by=by)
    _record("placement.create", deal, by, entrance=entrance, placement_id=str(placement.pk), label=label)
    return placement


@transaction.atomic
def close_link(*, placement: Placement, by: User | None) -> None:
    """Who opens it from now on is a customer like everybody: no entrance, the general stock. Closing twice is closing once."""
    with scope(merchant=placement.merchant_id):
        deal = Deal.objects.get(pk=placement.deal_id)
        _lock(deal)
        if not _links(deal).filter(pk=placement.pk, closed_at__isnull=True).exists():
            return
        close_placement(placement=placement)
    _record(
        "placement.close", deal, by,
        entrance=placement.entrance, placement_id=str(placement.pk), label=placement.label,
    )  # fmt: skip


@transaction.atomic
def set_pieces(*, deal: Deal, entrance: Entrance, pieces: int, by: User | None) -> StockPool:
    """The entrance has `pieces` of its own in all, those it sold among them; all its links sell from them alone.

    The general stock gives or takes the difference. Raises DealNotInState, StockBelowSold(taken), StockTooSmall(left),
    Invalid(field="entrance" or "pieces"); then no piece has moved.
    """
    _check_linkable(entrance)
    if pieces < 1:
        raise Invalid(field="pieces", why="range")
    with scope(merchant=deal.merchant_id):
        _lock_selling(deal)
        pool = _pool(deal, entrance)
        if pool is None:
            pool = allot_stock(deal=deal, kind=StockPoolKind.ENTRANCE, entrance=entrance, pieces=pieces)
            # Links made before there were pieces of their own; what they sold came from the general stock.
            _links(deal).filter(entrance=entrance, pool__isnull=True).update(pool=pool)
        elif pool.closed_at is None:
            change_allotment(pool=pool, pieces=pieces)
        else:
            reopen_pool(pool=pool, pieces=pieces)
    _record("deal.entrance_pieces", deal, by, entrance=entrance, pieces=pieces)
    return pool


@transaction.atomic
def take_back(*, deal: Deal, entrance: Entrance, by: User | None) -> int:
    """End the entrance's allotment; its links sell from the general stock again. The pieces that went back.

    In every state of the deal; where nothing is set aside nothing happens.
    """
    _check_linkable(entrance)
    with scope(merchant=deal.merchant_id):
        _lock(deal)
        pool = _pool(deal, entrance)
        if pool is None or pool.closed_at is not None:
            return 0
        returned = close_pool(pool=pool)
    _record("deal.entrance_take_back", deal, by, entrance=entrance, returned=returned)
    return returned


def count_entrances(*, deal: Deal) -> list[EntranceFigures]:
    """Every entrance with its links, newest first, in four statements. Only orders that came by a link are read."""
    with scope(merchant=deal.merchant_id):
        placements = list(_links(deal).select_related("created_by").order_by("-id"))
        sums = _sum_orders([placement.pk for placement in placements])
        pools = {
            Entrance(pool.entrance): pool
            for pool in StockPool.objects.filter(deal=deal, kind=StockPoolKind.ENTRANCE)
        }
        slots = {
            pool_id: (free, held + sold)
            for pool_id, free, held, sold in StockSlot.objects.filter(pool__in=pools.values())
            .order_by()
            .values_list("pool_id")
            .annotate(Sum("free"), Sum("held"), Sum("sold"))
        }
    figures = []
    for entrance in LINK_ENTRANCES:
        pool = pools.get(entrance)
        free, taken = slots[pool.pk] if pool else (0, 0)
        links = [
            Link(placement, *sums.get(placement.pk, (0, 0)))
            for placement in placements
            if placement.entrance == entrance
        ]
        figures.append(EntranceFigures(entrance=entrance, links=links, pool=pool, free=free, taken=taken))
    return figures


def count_link(*, placement: Placement) -> Link:
    """One link's figures."""
    with scope(merchant=placement.merchant_id):
        return Link(placement, *_sum_orders([placement.pk]).get(placement.pk, (0, 0)))


def _sum_orders(placement_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """(paid, waiting) pieces by placement."""
    rows = (
        Order.objects.filter(placement_id__in=list(placement_ids))
        .order_by()
        .values_list("placement_id")
        .annotate(
            sold=Sum("quantity", filter=Q(paid_at__isnull=False), default=0),
            waiting=Sum("quantity", filter=Q(state=OrderState.CREATED), default=0),
        )
    )
    return {placement_id: (sold, waiting) for placement_id, sold, waiting in rows}


def _links(deal: Deal) -> "QuerySet[Placement]":
    return Placement.objects.filter(deal=deal, entrance__in=LINK_ENTRANCES, payee__isnull=True)


def _pool(deal: Deal, entrance: Entrance) -> StockPool | None:
    """The entrance's allotment, open or closed; the deal's row is locked, so there is at most one."""
    return StockPool.objects.filter(deal=deal, kind=StockPoolKind.ENTRANCE, entrance=entrance).first()


def _lock(deal: Deal) -> Deal:
    locked = Deal.objects.select_for_update(of=("self",), no_key=True).filter(pk=deal.pk).first()
    if locked is None:
        raise NotFound
    return locked


def _lock_selling(deal: Deal) -> None:
    locked = _lock(deal)
    if not can_have_links(deal=locked):
        raise DealNotInState(state=locked.state)


def _check_linkable(entrance: Entrance) -> None:
    if entrance not in LINK_ENTRANCES:
        raise Invalid(field="entrance", why="not_by_hand")


def _record(verb: str, deal: Deal, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb,
        noun="deal",
        noun_id=deal.pk,
        by=by,
        merchant_id=deal.merchant_id,
        title=deal.title,
        **facts,
    )
