"""Stock: pieces in slots of pools. Exact to the last piece, and no row that every buyer of a deal writes.

A buyer takes all his pieces from one slot that has them and that nobody else is writing; only when no such slot is left
are all slots of the pool locked, in order, and the last pieces gathered. Pieces move between slots and pools; the sum of
free, held and sold over a pool's slots is its total. Lock order everywhere: pool, then slots by number.
"""

import random
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid
from coupons.enums import Entrance, StockPoolKind
from coupons.models import Deal, StockPool, StockSlot

SLOTS = 16  # twice the web threads of a two-core machine; docs/performance.md has the curve


class StockBelowSold(DomainError):
    """Orders and allotments took more pieces than that already."""

    code = "stock_below_sold"


class StockTooSmall(DomainError):
    """Fewer pieces are free than are to be allotted."""

    code = "stock_too_small"


class StockPoolClosed(DomainError):
    """The allotment was given back; nothing can be added to it."""

    code = "stock_pool_closed"


@dataclass(frozen=True)
class PoolCount:
    """Pieces of a pool; total and free are None where there is no end."""

    total: int | None
    free: int | None
    held: int
    sold: int


def open_stock(*, deal: Deal, total: int | None) -> StockPool:
    """The general pool of a new deal: `total` pieces spread over its slots (None: no end)."""
    return _open_pool(deal=deal, kind=StockPoolKind.GENERAL, entrance="", pieces=total)


def open_stocks(*, deals: list[tuple[Deal, int | None]]) -> None:
    """open_stock for many new deals of one merchant, in two statements."""
    if not deals:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO coupons_stockpool (merchant_id, deal_id, kind, entrance, total)
                SELECT %s, deal_id, 'general', '', total FROM unnest(%s::bigint[], %s::int[]) AS d(deal_id, total)
                RETURNING id, merchant_id, deal_id, total)
            INSERT INTO coupons_stockslot (merchant_id, deal_id, pool_id, number, free)
            SELECT merchant_id, deal_id, id, n, total / %s + (n < total %% %s)::int
            FROM made CROSS JOIN generate_series(0, %s - 1) n
            """,
            [
                deals[0][0].merchant_id,
                [deal.pk for deal, _ in deals],
                [total for _, total in deals],
                SLOTS,
                SLOTS,
                SLOTS,
            ],
        )


@transaction.atomic
def change_stock(*, deal: Deal, total: int | None) -> None:
    """How many pieces of the deal there are over all pools (None: no end); orders placed meanwhile are counted.

    The general pool takes the difference. Raises Invalid(field="stock"), StockBelowSold(taken): then nothing was changed.
    """
    if total is not None and total < 0:
        raise Invalid(field="stock", why="stock_negative")
    with scope(merchant=deal.merchant_id):
        general = _lock_pool(_general_pool(deal=deal).pk)
        slots = _lock_slots(general)
        taken_here = sum(slot.held + slot.sold for slot in slots)
        others = sum(
            pool.total or 0
            for pool in StockPool.objects.filter(deal=deal).exclude(kind=StockPoolKind.GENERAL)
        )
        if total is None:
            _write_free(pool=general, slots=slots, free=None)
        elif total < taken_here + others:
            raise StockBelowSold(taken=taken_here + others)
        else:
            _write_free(pool=general, slots=slots, free=total - taken_here - others)


@transaction.atomic
def allot_stock(*, deal: Deal, kind: StockPoolKind, pieces: int, entrance: Entrance | str = "") -> StockPool:
    """Set pieces aside for one entrance or session; nobody else can buy them. Raises StockTooSmall(left), Invalid."""
    if pieces < 0:
        raise Invalid(field="pieces", why="stock_negative")
    with scope(merchant=deal.merchant_id):
        _take_from_general(deal=deal, pieces=pieces)
        return _open_pool(deal=deal, kind=kind, entrance=entrance, pieces=pieces)


@transaction.atomic
def change_allotment(*, pool: StockPool, pieces: int) -> None:
    """How many pieces the allotment has in all, sold ones among them; the general pool gives or takes the difference.

    Raises StockPoolClosed, StockBelowSold(taken), StockTooSmall(left).
    """
    with scope(merchant=pool.merchant_id):
        # The general pool first, as everywhere where two pools are locked.
        general = _lock_pool(_general_pool(deal=pool.deal).pk)
        locked = _lock_pool(pool.pk)
        if locked.closed_at is not None:
            raise StockPoolClosed
        slots = _lock_slots(locked)
        taken = sum(slot.held + slot.sold for slot in slots)
        if pieces < taken:
            raise StockBelowSold(taken=taken)
        difference = pieces - (locked.total or 0)
        if difference > 0:
            _take_from_general(deal=pool.deal, pieces=difference)
        else:
            _add_to(pool=general, pieces=-difference)
        _write_free(pool=locked, slots=slots, free=pieces - taken)


@transaction.atomic
def close_pool(*, pool: StockPool) -> int:
    """End an allotment: what is free goes back to the general pool, later returns follow it. The pieces given back now."""
    with scope(merchant=pool.merchant_id):
        general = _lock_pool(_general_pool(deal=pool.deal).pk)
        # Asked before its row is locked: a return to a closed pool holds that row while it waits for the general one.
        if StockPool.objects.filter(pk=pool.pk, closed_at__isnull=False).exists():
            return 0
        locked = _lock_pool(pool.pk, against_returns=True)
        slots = _lock_slots(locked)
        left = sum(slot.free or 0 for slot in slots)
        _write_free(pool=locked, slots=slots, free=0)
        StockPool.objects.filter(pk=locked.pk).update(closed_at=Now())
        _add_to(pool=general, pieces=left)
        return left


@transaction.atomic
def reopen_pool(*, pool: StockPool, pieces: int) -> None:
    """Set pieces aside anew in a closed allotment: `pieces` in all, those it sold before among them.

    Raises StockBelowSold(taken), StockTooSmall(left). One at a time with close_pool of the same pool: the caller locks
    the deal's row first.
    """
    with scope(merchant=pool.merchant_id):
        general = _lock_pool(_general_pool(deal=pool.deal).pk)
        # Not against returns: one that saw the pool closed holds its row while it waits for the general one.
        locked = _lock_pool(pool.pk)
        slots = _lock_slots(locked)
        taken = sum(slot.held + slot.sold for slot in slots)
        if pieces < taken:
            raise StockBelowSold(taken=taken)
        _take_from(general=general, pieces=pieces - taken)
        _write_free(pool=locked, slots=slots, free=pieces - taken)
        StockPool.objects.filter(pk=locked.pk).update(closed_at=None)


def count_pool(*, pool: StockPool) -> PoolCount:
    """The pieces of a pool now, read without a lock."""
    with scope(merchant=pool.merchant_id):
        slots = list(pool.slots.all())
        total = StockPool.objects.values_list("total", flat=True).get(pk=pool.pk)
    return PoolCount(
        total=total,
        free=None if total is None else sum(slot.free or 0 for slot in slots),
        held=sum(slot.held for slot in slots),
        sold=sum(slot.sold for slot in slots),
    )


def gather_pieces(*, pool_id: int, quantity: int) -> tuple[int | None, int]:
    """Hold `quantity` pieces, gathered from all slots into one: (its id, …), or (None, how many are free) where fewer are.

    Call inside the transaction that sells them, which must hold no slot yet (coupons_take_pieces lets go of those it could
    not use). A look without a lock comes first: when it finds too few, there were too few at that moment, and hopeless
    buyers of a deal that is sold out do not queue behind each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(free), 0), bool_and(free IS NULL) FROM coupons_stockslot WHERE pool_id = %s",
            [pool_id],
        )
        free, is_endless = cursor.fetchone()
        if is_endless:  # somebody was writing every slot: wait for one of them
            hold = "UPDATE coupons_stockslot SET held = held + %s WHERE pool_id = %s AND number = %s AND free IS NULL RETURNING id"
            with transaction.atomic():
                cursor.execute(hold, [quantity, pool_id, random.randrange(SLOTS)])  # noqa: S311 - spreads buyers, hides nothing
                row = cursor.fetchone()
                # Its stock was given an end while we waited: let go of the row, whose lock would stay, and count.
                transaction.set_rollback(row is None)
            if row:
                return row[0], 0
        elif free < quantity:
            return None, free
        cursor.execute(
            "SELECT id, free FROM coupons_stockslot WHERE pool_id = %s ORDER BY number FOR NO KEY UPDATE",
            [pool_id],
        )
        rows = cursor.fetchall()
        if any(slot_free is None for _, slot_free in rows):  # its end was taken away while we waited
            cursor.execute(
                "UPDATE coupons_stockslot SET held = held + %s WHERE id = %s", [quantity, rows[0][0]]
            )
            return rows[0][0], 0
        free = sum(slot_free for _, slot_free in rows)
        if free < quantity:
            return None, free
        fullest, had = max(rows, key=lambda row: row[1])
        missing = max(0, quantity - had)
        moved = {fullest: missing - quantity}
        for slot_id, slot_free in rows:
            if slot_id != fullest and missing and slot_free:
                moved[slot_id] = -min(slot_free, missing)
                missing += moved[slot_id]
        cursor.execute(
            "UPDATE coupons_stockslot s SET free = s.free + m.pieces, held = s.held + CASE WHEN s.id = %s THEN %s ELSE 0 END"
            " FROM unnest(%s::bigint[], %s::int[]) AS m(id, pieces) WHERE s.id = m.id",
            [fullest, quantity, list(moved), list(moved.values())],
        )
        return fullest, free - quantity


def sell_held(*, slot_id: int, quantity: int) -> None:
    """An order was paid: its held pieces are sold."""
    StockSlot.objects.filter(pk=slot_id).update(held=F("held") - quantity, sold=F("sold") + quantity)


def release_held(*, slot_id: int, quantity: int) -> None:
    """An order was closed unpaid: its pieces can be bought again, in its pool or, where that was closed, in the general."""
    _give_back(slot_id=slot_id, quantity=quantity, column="held")


def return_sold(*, slot_id: int, quantity: int) -> None:
    """Sold pieces came back before use: they can be bought again, as release_held says."""
    _give_back(slot_id=slot_id, quantity=quantity, column="sold")


def _give_back(*, slot_id: int, quantity: int, column: str) -> None:
    with connection.cursor() as cursor:
        # Closing the pool locks this row against us: it sees our pieces, or we see that it was closed.
        cursor.execute(
            "SELECT p.id, p.closed_at IS NULL, g.id FROM coupons_stockslot s"
            " JOIN coupons_stockpool p ON p.id = s.pool_id"
            " JOIN coupons_stockpool g ON g.deal_id = p.deal_id AND g.kind = 'general'"
            " WHERE s.id = %s FOR KEY SHARE OF p",
            [slot_id],
        )
        pool_id, is_open, general_id = cursor.fetchone()
        general = None if is_open else _lock_pool(general_id)
        cursor.execute(
            f"UPDATE coupons_stockslot SET {column} = {column} - %s, free = free + %s WHERE id = %s",
            [quantity, quantity if is_open else 0, slot_id],
        )
    if general is not None:
        StockPool.objects.filter(pk=pool_id).update(total=F("total") - quantity)
        _add_to(pool=general, pieces=quantity)


def _general_pool(*, deal: Deal) -> StockPool:
    return StockPool.objects.get(deal=deal, kind=StockPoolKind.GENERAL)


def _lock_pool(pool_id: int, *, against_returns: bool = False) -> StockPool:
    """Against everybody who moves pieces between pools; against_returns also against who gives pieces back to it."""
    return StockPool.objects.select_for_update(of=("self",), no_key=not against_returns).get(pk=pool_id)


def _lock_slots(pool: StockPool) -> list[StockSlot]:
    return list(
        StockSlot.objects.select_for_update(of=("self",), no_key=True).filter(pool=pool).order_by("number")
    )


def _take_from_general(*, deal: Deal, pieces: int) -> None:
    _take_from(general=_lock_pool(_general_pool(deal=deal).pk), pieces=pieces)


def _take_from(*, general: StockPool, pieces: int) -> None:
    """The general pool is locked by the caller."""
    if general.total is None:
        return
    slots = _lock_slots(general)
    left = sum(slot.free or 0 for slot in slots)
    if left < pieces:
        raise StockTooSmall(left=left)
    _write_free(pool=general, slots=slots, free=left - pieces)


def _add_to(*, pool: StockPool, pieces: int) -> None:
    """Add free pieces to a pool whose row is locked; one without end needs none."""
    if pool.total is None or not pieces:
        return
    slots = _lock_slots(pool)
    _write_free(pool=pool, slots=slots, free=sum(slot.free or 0 for slot in slots) + pieces)


def _write_free(*, pool: StockPool, slots: list[StockSlot], free: int | None) -> None:
    """Spread `free` pieces evenly over locked slots; the pool's total follows. Both are locked by the caller."""
    for slot in slots:
        slot.free = None if free is None else free // len(slots) + (slot.number < free % len(slots))
    StockSlot.objects.bulk_update(slots, ["free"])
    taken = sum(slot.held + slot.sold for slot in slots)
    StockPool.objects.filter(pk=pool.pk).update(total=None if free is None else free + taken)


def _open_pool(*, deal: Deal, kind: StockPoolKind, entrance: Entrance | str, pieces: int | None) -> StockPool:
    pool = StockPool.objects.create(
        merchant_id=deal.merchant_id, deal=deal, kind=kind, entrance=entrance, total=pieces
    )
    StockSlot.objects.bulk_create(
        StockSlot(
            merchant_id=deal.merchant_id,
            deal=deal,
            pool=pool,
            number=number,
            free=None if pieces is None else pieces // SLOTS + (number < pieces % SLOTS),
        )
        for number in range(SLOTS)
    )
    return pool
