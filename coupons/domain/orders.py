"""Orders: placed against stock and limits, closed when not paid.

A hot path: place_order is four statements including BEGIN and COMMIT (more only when the last pieces are gathered), which
is why two are written by hand: one reads all the rules need (offered_deal.py), one writes count, stock, order, share and
the closing job together.
"""

import json
import random
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope, scopes_disabled

from core.domain.jobs import job_handler
from core.errors import DomainError, Invalid, NotFound
from core.models import Job
from core.postgresql import prepared_cursor
from coupons.domain.deal_terms import deal_terms, validity
from coupons.domain.offered_deal import OfferedDeal, fetch_offered_deal
from coupons.domain.stock import SLOTS, gather_pieces, release_held
from coupons.enums import DealState, OrderCloseReason, OrderSource, OrderState
from coupons.models import DealPurchase, Order, Placement, StockPool
from identity.domain.audit import record_event
from identity.models import Customer, User
from merchants.models import Merchant

UNPAID_SECONDS = 15 * 60


class DealNotOnSale(DomainError):
    """Not online, outside its sale window, or its fixed validity is over."""

    code = "deal_not_on_sale"


class NotTargeted(DomainError):
    """The deal is for an audience this customer is not in."""

    code = "not_targeted"


class SoldOut(DomainError):
    code = "sold_out"


class OverOrderLimit(DomainError):
    code = "over_order_limit"


class OverPersonLimit(DomainError):
    code = "over_person_limit"


class OrderNotOpen(DomainError):
    """Paid, completed or closed already."""

    code = "order_not_open"


@transaction.atomic
def place_order(
    *,
    customer: Customer,
    merchant: Merchant,
    deal_id: int,
    quantity: int,
    source: OrderSource = OrderSource.SHOP,
    placement: Placement | None = None,
    at: datetime | None = None,
) -> Order:
    """Place an order: stock held, limit counted, terms and fee frozen, closing after 15 minutes arranged; all or nothing.

    Amounts are fen. With a placement the order counts for its entrance and takes the pieces allotted to it while they
    are; sold out is said only when no piece of that pool was left. Raises NotFound, DealNotOnSale, NotTargeted,
    Invalid(field="quantity"), OverOrderLimit(limit), OverPersonLimit(limit, bought), SoldOut(left); then nothing was
    changed.
    """
    return write_order(
        customer=customer,
        merchant=merchant,
        deal_id=deal_id,
        quantity=quantity,
        source=source,
        placement=placement,
        at=at,
    )


def write_order(
    *,
    customer: Customer,
    merchant: Merchant,
    deal_id: int,
    quantity: int,
    source: OrderSource = OrderSource.SHOP,
    placement: Placement | None = None,
    at: datetime | None = None,
) -> Order:
    """place_order inside the caller's transaction, which a refusal must end: saves the two statements of a savepoint."""
    if customer.is_shadow != merchant.is_shadow:  # a rehearsal's customers and everybody else never meet
        raise NotFound
    deal = fetch_offered_deal(merchant=merchant, deal_id=deal_id, customer=customer, placement=placement)
    if deal is None:
        raise NotFound
    moment = at or deal.now
    terms = deal_terms(deal=deal)
    _check_on_sale(deal=deal, terms=terms, merchant=merchant, source=source, at=moment)
    if deal.is_for_audience and not deal.is_targeted:
        raise NotTargeted
    if quantity < 1:
        raise Invalid(field="quantity")
    if quantity > deal.per_order_limit:
        raise OverOrderLimit(limit=deal.per_order_limit)
    if deal.per_person_limit is not None and quantity > deal.per_person_limit:
        raise OverPersonLimit(limit=deal.per_person_limit, bought=0)
    order = Order(
        merchant=merchant,
        customer=customer,
        deal_id=deal.id,
        quantity=quantity,
        unit_price_fen=deal.price_fen,
        total_fen=deal.price_fen * quantity,
        currency=merchant.currency,
        terms=terms,
        source=source,
        state=OrderState.CREATED,
        placement=placement,
        entrance=placement.entrance if placement else "",
        placed_at=moment,
        expires_at=moment + timedelta(seconds=UNPAID_SECONDS),
    )
    _write(order=order, deal=deal)
    return order


def _check_on_sale(
    *, deal: OfferedDeal, terms: dict[str, Any], merchant: Merchant, source: OrderSource, at: datetime
) -> None:
    if source == OrderSource.SHOP and deal.state != DealState.ONLINE:
        raise DealNotOnSale
    if (deal.sale_from and at < deal.sale_from) or (deal.sale_until and at >= deal.sale_until):
        raise DealNotOnSale
    if validity(terms=terms, paid_at=at, zone=merchant.tzinfo)[1] <= at:
        raise DealNotOnSale


# Each part reads the one before it, so locks are taken in this order: the customer's count, then a slot nobody is writing
# (or the one whose pieces were gathered). A count over the limit or no slot means no order; the caller's rollback undoes
# the rest. Frozen into the order are the terms in force as this statement sees them; who brought it gets his commission by
# its placement.
WRITE_SQL = """
WITH counted AS (
    INSERT INTO coupons_dealpurchase AS p (merchant_id, deal_id, customer_id, quantity)
    VALUES (%(merchant)s, %(deal)s, %(customer)s, %(count)s)
    ON CONFLICT (deal_id, customer_id) DO UPDATE SET quantity = p.quantity + excluded.quantity
    WHERE %(limit)s::int IS NULL OR p.quantity + excluded.quantity <= %(limit)s::int
    RETURNING quantity),
slot AS (
    SELECT COALESCE(%(slot)s::bigint, coupons_take_pieces(%(pool)s, %(quantity)s, %(start)s, %(slots)s)) AS id
    FROM counted),
placed AS (
    INSERT INTO coupons_order (merchant_id, customer_id, deal_id, quantity, unit_price_fen, total_fen, currency, terms,
        source, state, stock_slot_id, placement_id, entrance, placed_at, expires_at, close_reason)
    SELECT %(merchant)s, %(customer)s, %(deal)s, %(quantity)s, %(price)s, %(total)s, %(currency)s, %(terms)s::jsonb,
        %(source)s, 'created', slot.id, %(placement)s::bigint, %(entrance)s, %(at)s, %(until)s, ''
    FROM slot WHERE id IS NOT NULL
    RETURNING id),
share AS (
    INSERT INTO coupons_ordershare (merchant_id, order_id, payee_id, kind, bps, rule)
    SELECT %(merchant)s, placed.id, t.payee_id, t.kind, t.bps, 'terms:' || t.id
    FROM placed, merchants_terms t
    WHERE t.merchant_id = %(merchant)s AND t.state = 'in_force' AND t.kind <> 'commission'
    UNION ALL
    SELECT %(merchant)s, placed.id, c.payee_id, 'commission', LEAST(c.commission_bps, 10000 - COALESCE((
        SELECT sum(t.bps) FROM merchants_terms t
        WHERE t.merchant_id = %(merchant)s AND t.state = 'in_force' AND t.kind <> 'commission'), 0)), c.rule
    FROM placed, coupons_placement c WHERE c.id = %(placement)s::bigint AND c.payee_id IS NOT NULL
    RETURNING id),
job AS (
    INSERT INTO core_job (kind, key, payload, merchant_id, due_at)
    SELECT 'close_order', id::text, jsonb_build_object('order_id', id), %(merchant)s, %(until)s FROM placed
    ON CONFLICT (kind, key) DO NOTHING)
SELECT (SELECT quantity FROM counted), (SELECT id FROM slot), (SELECT id FROM placed), (SELECT count(*) FROM share)
"""


def _write(*, order: Order, deal: OfferedDeal) -> None:
    """Write the order and all that hangs on it; sets its id and slot. Raises OverPersonLimit, SoldOut."""
    limit = deal.per_person_limit
    values = {
        "merchant": order.merchant_id,
        "deal": order.deal_id,
        "customer": order.customer_id,
        "quantity": order.quantity,
        "count": order.quantity,
        "limit": limit,
        "pool": deal.pool_id,
        "slot": None,
        "slots": SLOTS,
        "start": random.randrange(SLOTS),  # noqa: S311 - spreads buyers, hides nothing
        "price": order.unit_price_fen,
        "total": order.total_fen,
        "currency": order.currency,
        "terms": json.dumps(order.terms),
        "source": order.source,
        "placement": order.placement_id,
        "entrance": order.entrance,
        "at": order.placed_at,
        "until": order.expires_at,
    }
    bought, slot_id, order_id, shares = _run_write(values)
    if bought is None:
        assert limit is not None  # noqa: S101 - without a limit every count is taken
        raise OverPersonLimit(limit=limit, bought=_count_bought(order))
    while order_id is None:
        # No slot had enough that nobody was writing: gather the last pieces, waiting for who is.
        gathered, free = gather_pieces(pool_id=values["pool"], quantity=order.quantity)
        if gathered is None:
            if values["pool"] == deal.general_pool_id or not _is_closed(values["pool"]):
                raise SoldOut(left=free)
            values["pool"] = deal.general_pool_id  # its session ended while we were asking
        values |= {"slot": gathered, "count": 0}
        _bought, slot_id, order_id, shares = _run_write(values)
    if shares < 1:
        raise RuntimeError("no terms in force: create_merchant makes the platform's fee")
    order.pk, order.stock_slot_id = order_id, slot_id
    order._state.adding, order._state.db = False, "default"


def _run_write(values: dict[str, Any]) -> tuple[Any, ...]:
    with prepared_cursor() as cursor:
        cursor.execute(WRITE_SQL, values)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def _is_closed(pool_id: int) -> bool:
    with scopes_disabled():
        return StockPool.objects.filter(pk=pool_id, closed_at__isnull=False).exists()


def _count_bought(order: Order) -> int:
    with scope(merchant=order.merchant_id):
        return DealPurchase.objects.get(deal_id=order.deal_id, customer_id=order.customer_id).quantity


@transaction.atomic
def close_order(
    *,
    order_id: int,
    merchant_id: int,
    reason: OrderCloseReason,
    by: User | None = None,
    at: datetime | None = None,
) -> Order:
    """Close an unpaid order and give its stock and limit back, once. Raises OrderNotOpen, NotFound.

    Against a payment that arrives at the same moment, exactly one of the two wins.
    """
    with scope(merchant=merchant_id):
        closed = Order.objects.filter(pk=order_id, state=OrderState.CREATED).update(
            state=OrderState.CLOSED, closed_at=at or Now(), close_reason=reason
        )
        order = Order.objects.filter(pk=order_id).first()
        if order is None:
            raise NotFound
        if not closed:
            raise OrderNotOpen(state=order.state)
        # The customer's count before the stock, as placing an order takes them; the other way round is a deadlock.
        DealPurchase.objects.filter(deal_id=order.deal_id, customer_id=order.customer_id).update(
            quantity=F("quantity") - order.quantity
        )
        release_held(slot_id=order.stock_slot_id, quantity=order.quantity)
    record_event(
        verb="order.closed", noun="order", noun_id=order.pk, by=by, merchant_id=merchant_id, reason=reason
    )
    return order


@job_handler("close_order")
def close_unpaid_order(job: Job) -> None:
    """The job behind the 15 minutes; an order paid meanwhile stays as it is."""
    try:
        close_order(
            order_id=job.payload["order_id"],
            merchant_id=job.merchant_id or 0,
            reason=OrderCloseReason.TIMEOUT,
        )
    except OrderNotOpen:
        return
