"""Orders: placed against stock and limits, closed when not paid. A hot path: place_order has a statement budget."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django_scopes import scope

from core.domain.jobs import enqueue_job, job_handler
from core.errors import DomainError, Invalid, NotFound
from core.models import Job
from coupons.domain.deal_terms import deal_terms, validity
from coupons.enums import DealState, OrderCloseReason, OrderSource, OrderState, ShareKind
from coupons.models import AudienceMember, Deal, DealPurchase, DealStock, Order
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
    at: datetime | None = None,
) -> Order:
    """Place an order: stock held, limit counted, terms and fee frozen, closing after 15 minutes arranged; all or nothing.

    Amounts are fen. Raises NotFound, DealNotOnSale, NotTargeted, Invalid(field="quantity"), OverOrderLimit(limit),
    OverPersonLimit(limit, bought), SoldOut(left); then nothing was changed.
    """
    return write_order(
        customer=customer, merchant=merchant, deal_id=deal_id, quantity=quantity, source=source, at=at
    )


def write_order(
    *,
    customer: Customer,
    merchant: Merchant,
    deal_id: int,
    quantity: int,
    source: OrderSource = OrderSource.SHOP,
    at: datetime | None = None,
) -> Order:
    """place_order inside the caller's transaction, which a refusal must end: saves the two statements of a savepoint."""
    with scope(merchant=merchant.pk):
        deal = (
            Deal.objects.filter(pk=deal_id)
            .annotate(
                now=Now(),
                is_targeted=Exists(
                    AudienceMember.objects.filter(audience_id=OuterRef("audience_id"), customer=customer)
                ),
                store_ids=ArraySubquery(
                    Deal.stores.through.objects.filter(deal_id=OuterRef("pk"))
                    .order_by("store_id")
                    .values("store_id")
                ),
            )
            .first()
        )
        if deal is None:
            raise NotFound
        moment = at or deal.now
        terms = deal_terms(deal=deal, store_ids=deal.store_ids)
        _check_on_sale(deal=deal, terms=terms, merchant=merchant, source=source, at=moment)
        if deal.audience_id and not deal.is_targeted:
            raise NotTargeted
        if quantity < 1:
            raise Invalid(field="quantity")
        if quantity > deal.per_order_limit:
            raise OverOrderLimit(limit=deal.per_order_limit)
        _count_purchase(deal=deal, customer=customer, quantity=quantity)
        _hold_stock(deal=deal, quantity=quantity)
        order = Order.objects.create(
            merchant=merchant,
            customer=customer,
            deal=deal,
            quantity=quantity,
            unit_price_fen=deal.price_fen,
            total_fen=deal.price_fen * quantity,
            currency=merchant.currency,
            terms=terms,
            source=source,
            placed_at=moment,
            expires_at=moment + timedelta(seconds=UNPAID_SECONDS),
        )
        _freeze_platform_fee(order=order, merchant=merchant)
    enqueue_job(
        kind="close_order",
        key=str(order.pk),
        payload={"order_id": order.pk},
        merchant_id=merchant.pk,
        due_at=order.expires_at,
    )
    return order


def _check_on_sale(
    *, deal: Deal, terms: dict[str, Any], merchant: Merchant, source: OrderSource, at: datetime
) -> None:
    if source == OrderSource.SHOP and deal.state != DealState.ONLINE:
        raise DealNotOnSale
    if (deal.sale_from and at < deal.sale_from) or (deal.sale_until and at >= deal.sale_until):
        raise DealNotOnSale
    if validity(terms=terms, paid_at=at, zone=merchant.tzinfo)[1] <= at:
        raise DealNotOnSale


def _count_purchase(*, deal: Deal, customer: Customer, quantity: int) -> None:
    """Add to the customer's count where the limit allows it: one conditional statement, so two orders cannot both pass."""
    limit = deal.per_person_limit
    if limit is not None and quantity > limit:
        raise OverPersonLimit(limit=limit, bought=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO coupons_dealpurchase AS p (merchant_id, deal_id, customer_id, quantity)
            VALUES (%(merchant)s, %(deal)s, %(customer)s, %(quantity)s)
            ON CONFLICT (deal_id, customer_id) DO UPDATE SET quantity = p.quantity + excluded.quantity
            WHERE %(limit)s::int IS NULL OR p.quantity + excluded.quantity <= %(limit)s::int
            """,
            {
                "merchant": deal.merchant_id,
                "deal": deal.pk,
                "customer": customer.pk,
                "quantity": quantity,
                "limit": limit,
            },
        )
        if cursor.rowcount == 1:
            return
    bought = DealPurchase.objects.get(deal=deal, customer=customer).quantity
    raise OverPersonLimit(limit=limit, bought=bought)


def _hold_stock(*, deal: Deal, quantity: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE coupons_dealstock SET held = held + %(quantity)s WHERE deal_id = %(deal)s"
            " AND (total IS NULL OR held + sold + %(quantity)s <= total)",
            {"quantity": quantity, "deal": deal.pk},
        )
        if cursor.rowcount == 1:
            return
    stock = DealStock.objects.filter(deal=deal).first()
    raise SoldOut(left=stock.left if stock else 0)


def _freeze_platform_fee(*, order: Order, merchant: Merchant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO coupons_ordershare (merchant_id, order_id, payee_id, kind, bps, rule)
            SELECT %s, %s, id, %s, %s, %s FROM identity_party WHERE kind = 'platform'
            """,
            [
                merchant.pk,
                order.pk,
                ShareKind.PLATFORM_FEE,
                merchant.platform_fee_bps,
                "merchant.platform_fee_bps",
            ],
        )
        if cursor.rowcount != 1:
            raise RuntimeError("the platform has no party: create_merchant makes it")


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
        DealStock.objects.filter(pk=order.deal_id).update(held=F("held") - order.quantity)
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
