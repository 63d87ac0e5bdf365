"""The deals of a live session and the pieces set aside for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django_scopes import scope

from core.errors import DomainError, Invalid, NotFound
from coupons.domain.placements import close_placement, create_placement
from coupons.domain.stock import StockTooSmall, allot_stock, change_allotment, close_pool
from coupons.enums import DealState, Entrance, StockPoolKind
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession, LiveSessionDeal
from coupons.models import Deal
from identity.domain.audit import record_event
from identity.models import User

MOST_DEALS = 60
MOST_PIECES = 10_000_000


class DealNotInShow(DomainError):
    """Not on sale, paused or for an audience: it cannot be sold by a live card (`facts["deal_id"]`)."""

    code = "live_deal_not_on_sale"


class AllotmentTooLarge(DomainError):
    """Fewer pieces are left than the session asks for (`facts`: deal_id, title, left)."""

    code = "live_allotment_too_large"


class SessionOver(DomainError):
    """The session has ended or was cancelled; its pieces went back."""

    code = "live_session_over"


@dataclass(frozen=True)
class Allotment:
    """Pieces of a deal for a session; at least one."""

    deal_id: int
    pieces: int


def write_deals(*, session: LiveSession, wanted: Sequence[Allotment], by: User | None) -> None:
    """Make the session's deals what is wanted, in this order; pieces move accordingly.

    Call inside the transaction that wrote the session's row and inside the merchant's scope.
    """
    _check_wanted(wanted)
    rows = {row.deal_id: row for row in session.deals.select_related("pool", "placement")}
    deals = {
        deal.pk: deal for deal in Deal.objects.filter(pk__in=[allotment.deal_id for allotment in wanted])
    }
    positions = {allotment.deal_id: position for position, allotment in enumerate(wanted)}
    pieces = {allotment.deal_id: allotment.pieces for allotment in wanted}
    # In the order of their ids, as every session takes them: two plans at once wait for each other and never deadlock.
    for deal_id in sorted(rows.keys() | pieces.keys()):
        if deal_id not in pieces:
            _take_out(rows[deal_id])
        elif deal_id in rows:
            _change_pieces(rows[deal_id], pieces[deal_id])
            LiveSessionDeal.objects.filter(pk=rows[deal_id].pk).update(position=positions[deal_id])
        else:
            _put_in(session, deals.get(deal_id), pieces[deal_id], positions[deal_id], by)


@transaction.atomic
def add_deal(*, session: LiveSession, allotment: Allotment, by: User | None) -> LiveSessionDeal:
    """One more deal, at the end of the show, before or during it.

    Raises SessionOver, DealNotInShow, AllotmentTooLarge, and Invalid(field="deal") where it is in the session already.
    """
    _check_wanted([allotment])
    with scope(merchant=session.merchant_id):
        stored = _lock_open(session)
        if stored.deals.filter(deal_id=allotment.deal_id).exists():
            raise Invalid(field="deal", why="twice")
        last = stored.deals.aggregate(last=Max("position"))["last"]
        deal = Deal.objects.filter(pk=allotment.deal_id).first()
        row = _put_in(stored, deal, allotment.pieces, 0 if last is None else last + 1, by)
        if stored.state == LiveState.LIVE:
            mark_live([row])
    _record("live_session.add_deal", session, row, by, pieces=allotment.pieces)
    return row


@transaction.atomic
def remove_deal(*, live_deal: LiveSessionDeal, by: User | None) -> int:
    """Take a deal out of a planned session; the pieces given back. Raises SessionOver, Invalid where it is live."""
    with scope(merchant=live_deal.merchant_id):
        stored = _lock_open(live_deal.session)
        if stored.state != LiveState.PLANNED:
            raise Invalid(field="deal", why="live")
        row = stored.deals.select_related("pool", "placement").filter(pk=live_deal.pk).first()
        if row is None:
            raise NotFound
        returned = _take_out(row)
    _record("live_session.remove_deal", live_deal.session, row, by, returned=returned)
    return returned


@transaction.atomic
def change_pieces(*, live_deal: LiveSessionDeal, pieces: int, by: User | None) -> None:
    """More or fewer pieces of one deal, before or during the show (sold and held ones are among them).

    Raises SessionOver, AllotmentTooLarge(left), StockBelowSold(taken).
    """
    _check_wanted([Allotment(live_deal.deal_id, pieces)])
    with scope(merchant=live_deal.merchant_id):
        _lock_open(live_deal.session)
        row = LiveSessionDeal.objects.select_related("pool").get(pk=live_deal.pk)
        before = row.pieces
        _change_pieces(row, pieces)
    _record("live_session.pieces", live_deal.session, row, by, before=before, pieces=pieces)


def mark_live(rows: Sequence[LiveSessionDeal]) -> None:
    """The deals are in a live session from now on. Raises DealLiveElsewhere(titles)."""
    deal_ids = [row.deal_id for row in rows]
    # Only one session at a time holds a deal's row, so nobody slips in between question and answer.
    list(Deal.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=deal_ids).order_by("pk"))
    elsewhere = LiveSessionDeal.objects.filter(deal_id__in=deal_ids, is_live=True)
    titles = list(elsewhere.order_by("deal__title").values_list("deal__title", flat=True))
    if titles:
        raise DealLiveElsewhere(titles=titles)
    LiveSessionDeal.objects.filter(pk__in=[row.pk for row in rows]).update(is_live=True)


class DealLiveElsewhere(DomainError):
    """Deals that another live session sells now (`facts["titles"]`)."""

    code = "live_deal_elsewhere"


def give_back(*, session: LiveSession) -> int:
    """The session is over: what its pools have left returns, and what comes back later follows. The pieces returned."""
    returned = 0
    for row in session.deals.select_related("pool").order_by("deal_id"):
        pieces = close_pool(pool=row.pool)
        LiveSessionDeal.objects.filter(pk=row.pk).update(is_live=False, returned=pieces)
        returned += pieces
    return returned


def _check_wanted(wanted: Sequence[Allotment]) -> None:
    if len({allotment.deal_id for allotment in wanted}) != len(wanted):
        raise Invalid(field="deals", why="twice")
    if len(wanted) > MOST_DEALS:
        raise Invalid(field="deals", why="too_many")
    if any(not 1 <= allotment.pieces <= MOST_PIECES for allotment in wanted):
        raise Invalid(field="pieces", why="range")


def _lock_open(session: LiveSession) -> LiveSession:
    """The session's row, held to the end of the transaction, so that it is not over before the pieces have moved."""
    stored = (
        LiveSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant")
        .filter(pk=session.pk)
        .first()
    )
    if stored is None:
        raise NotFound
    if stored.state not in (LiveState.PLANNED, LiveState.LIVE):
        raise SessionOver(state=stored.state)
    return stored


def _put_in(
    session: LiveSession, deal: Deal | None, pieces: int, position: int, by: User | None
) -> LiveSessionDeal:
    if deal is None:
        raise NotFound
    if deal.state not in (DealState.ONLINE, DealState.PAUSED) or deal.audience_id:
        raise DealNotInShow(deal_id=deal.pk, title=deal.title)
    try:
        pool = allot_stock(deal=deal, kind=StockPoolKind.SESSION, pieces=pieces)
    except StockTooSmall as refused:
        raise AllotmentTooLarge(deal_id=deal.pk, title=deal.title, **refused.facts) from refused
    placement = create_placement(
        deal=deal, entrance=Entrance.LIVE_CARD, pool=pool, label=session.title, by=by
    )
    return LiveSessionDeal.objects.create(
        merchant_id=session.merchant_id,
        session=session,
        deal=deal,
        position=position,
        pieces=pieces,
        pool=pool,
        placement=placement,
    )


def _change_pieces(row: LiveSessionDeal, pieces: int) -> None:
    if pieces == row.pieces:
        return
    try:
        change_allotment(pool=row.pool, pieces=pieces)
    except StockTooSmall as refused:
        left = refused.facts["left"] + row.pieces  # what the session could have in all
        raise AllotmentTooLarge(deal_id=row.deal_id, title=row.deal.title, left=left) from refused
    LiveSessionDeal.objects.filter(pk=row.pk).update(pieces=pieces)


def _take_out(row: LiveSessionDeal) -> int:
    """Nobody bought by this card yet: it leads nowhere before the show begins."""
    returned = close_pool(pool=row.pool)
    close_placement(placement=row.placement)
    row.delete()
    return returned


def _record(verb: str, session: LiveSession, row: LiveSessionDeal, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb,
        noun="live_session",
        noun_id=session.pk,
        by=by,
        merchant_id=session.merchant_id,
        title=session.title,
        deal_id=str(row.deal_id),
        **facts,
    )
