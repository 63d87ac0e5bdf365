"""Replay a shop's real list of orders: every order, payment and refund of it as rows of a fresh tenant, booked and stated.

The list says of an order its total, what was kept of it, what was refunded, and when it was placed and paid. It names no
buyer, goods or moment of a refund. So each order is one piece of one deal, sold at the order's total; refunds count for the
moment of the payment; what was refunded whole went back before use, and whatever money was kept was delivered (redeemed) when
it was paid, a part that came back being a refund of that use. An unpaid order was closed and moved nothing.

Rows are written in sets, by statements that leave what the pages' functions leave (constraints and triggers stand); the
ledger is booked by the settle job itself, statements are sealed as every night.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django_scopes import scope

from core.domain.jobs import enqueue_job, run_job
from core.enums import JobState
from core.errors import DomainError
from core.imports.table import MAX_FILE_BYTES, TableFault, TableUnreadable, read_table
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.bulk_issuing import mint_for_orders
from coupons.domain.deal_terms import deal_terms
from coupons.domain.orders import UNPAID_SECONDS
from coupons.domain.stock import open_stock
from coupons.enums import DealState, ValidityKind
from coupons.models import Deal, StockSlot
from coupons.settlement.domain.bill_rows import (
    BillRow,
    OrderRow,
    ReadBill,
    bill_rows_of,
    is_order_list,
    read_orders,
)
from coupons.settlement.domain.bills import import_bill
from coupons.settlement.domain.breaks import count_breaks
from coupons.settlement.domain.reconciliation import list_days, reconcile_day
from coupons.settlement.domain.sealing import seal_statements
from identity.models import Customer, User
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant, Store

ZONE = "Asia/Shanghai"
PROVIDER = "sandbox"
VALID_DAYS = 365


class OrderFileUnusable(DomainError):
    """The file is missing, unreadable, lacks a column or has a row that cannot be read; facts say which and why."""

    code = "order_file_unusable"


@dataclass
class OrderReplay:
    """Counts and sums (fen); gross is what was paid in, net what was kept of it."""

    orders: int = 0
    paid: int = 0
    unpaid: int = 0
    gross_fen: int = 0
    refunded_fen: int = 0
    net_fen: int = 0
    breaks: dict[str, int] = field(default_factory=dict)
    proofs_broken: int = 0


@dataclass(frozen=True)
class ReplayedShop:
    """The fresh tenant; `days` are the first and the last of its payments."""

    merchant: Merchant
    days: tuple[date, date]


def read_order_file(path: Path) -> list[OrderRow]:
    """Every order of the list. Raises OrderFileUnusable, also where a single row cannot be read or a number comes twice."""
    if not path.is_file():
        raise OrderFileUnusable(file=path.name, why="there is no such file")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TableUnreadable(why=TableFault.TOO_LARGE)
        table = read_table(content=path.read_bytes())
    except OSError as error:
        raise OrderFileUnusable(file=path.name, why=f"it cannot be read ({error.strerror})") from error
    except TableUnreadable as error:
        raise OrderFileUnusable(file=path.name, why=str(TableFault(error.facts["why"]))) from error
    if not is_order_list(table):
        raise OrderFileUnusable(
            file=path.name,
            why="it lacks a column of 订单编号, 总金额, 买家实际支付金额, 订单创建时间, 订单付款时间, 退款金额",
        )
    faults = ReadBill()
    orders = list(read_orders(table=table, zone=ZoneInfo(ZONE), into=faults))
    if faults.refused:
        first = faults.refused[0]
        raise OrderFileUnusable(file=path.name, why=f"row {first.number} cannot be read ({first.codes[0]})")
    numbers = {order.number for order in orders}
    if len(numbers) != len(orders):
        raise OrderFileUnusable(file=path.name, why="an order number comes twice")
    if not any(order.paid_at for order in orders):
        raise OrderFileUnusable(file=path.name, why="no order in it was paid")
    return orders


def replay_orders(
    *, orders: Sequence[OrderRow], file_name: str, on_step: Callable[[str], None] = lambda step: None
) -> OrderReplay:
    """Replay, book, seal and reconcile the list against itself, and prove the tenant's books."""
    on_step("orders, payments and refunds")
    shop = build_shop(orders=orders)
    on_step("ledger and statements")
    book_shop(shop=shop)
    on_step("reconciliation")
    breaks = reconcile_shop(shop=shop, rows=rows_of(orders), file_name=file_name)
    on_step("proofs")
    return OrderReplay(
        **_count(shop.merchant),
        breaks=breaks,
        proofs_broken=len(check_invariants(merchant_id=shop.merchant.pk).broken),
    )


def rows_of(orders: Sequence[OrderRow]) -> list[BillRow]:
    """What the provider's bill of these orders says."""
    return [
        row for order in orders if order.paid_at for row in bill_rows_of(order=order, paid_at=order.paid_at)
    ]


@transaction.atomic
def build_shop(*, orders: Sequence[OrderRow]) -> ReplayedShop:
    """The orders as rows of a tenant that did not exist before; all of them or none."""
    merchant, store, customer, clerk = _make_tenant()
    paid = [order.paid_at.astimezone(merchant.tzinfo).date() for order in orders if order.paid_at]
    with scope(merchant=merchant.pk):
        deal = Deal.objects.create(
            merchant=merchant,
            title="Orders of a shop",
            price_fen=0,
            list_price_fen=0,
            validity_kind=ValidityKind.DAYS,
            valid_days=VALID_DAYS,
            refund_on_expiry=False,
            state=DealState.ENDED,
        )
        open_stock(deal=deal, total=None)
        slot = StockSlot.objects.filter(deal=deal).earliest("number")
        terms = deal_terms(deal=deal)
    values = {
        "merchant": merchant.pk,
        "slug": merchant.slug,
        "currency": merchant.currency,
        "deal": deal.pk,
        "terms": json.dumps(terms),
        "slot": slot.pk,
        "customer": customer.pk,
        "store": store.pk,
        "clerk": clerk.pk,
        "zone": merchant.zone,
        "provider": PROVIDER,
        "unpaid_seconds": UNPAID_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_ROWS, _columns(orders))
        for statement in _WRITE_ORDERS:
            cursor.execute(statement, values)
        cursor.execute("SELECT order_id FROM replayed WHERE paid_at IS NOT NULL ORDER BY order_id")
        paid_ids = [order_id for (order_id,) in cursor.fetchall()]
        mint_for_orders(merchant=merchant, order_ids=paid_ids)
        for statement in _WRITE_USES_AND_REFUNDS:
            cursor.execute(statement, values)
    return ReplayedShop(merchant=merchant, days=(min(paid), max(paid)))


def book_shop(*, shop: ReplayedShop) -> None:
    """Through the jobs that do it every day: settle until there is nothing more to settle, then seal the finished days."""
    merchant_id = shop.merchant.pk
    enqueue_job(
        kind="settle",
        key=f"{merchant_id}:replay",
        payload={"merchant_id": merchant_id},
        merchant_id=merchant_id,
    )
    settle_jobs = Job.objects.filter(kind="settle", merchant_id=merchant_id, state=JobState.READY, attempts=0)
    while job := settle_jobs.first():
        run_job(job_id=job.pk)
    seal_statements(merchant=shop.merchant)


def reconcile_shop(*, shop: ReplayedShop, rows: Sequence[BillRow], file_name: str) -> dict[str, int]:
    """Take these rows as the provider's bill of the shop's days and match them; the open breaks by kind."""
    import_bill(
        merchant=shop.merchant,
        provider=PROVIDER,
        rows=rows,
        file_name=file_name,
        by=None,
        days=shop.days,
        replaces=True,
    )
    for day in list_days(merchant=shop.merchant):
        reconcile_day(merchant=shop.merchant, day=day)
    return count_breaks(merchant=shop.merchant)


def _make_tenant() -> tuple[Merchant, Store, Customer, User]:
    slug = f"orders-{datetime.now(tz=ZoneInfo(ZONE)):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    clerk = User.objects.create_user(name="Replay")
    merchant = create_merchant(slug=slug, name=slug, owner=clerk, zone=ZONE, reversal_window_seconds=0)
    customer = Customer.objects.create(
        user=User.objects.create_user(name="Buyers"),
        sign_in_provider="replay",
        open_id=slug,
        nickname="Buyers",
    )
    with scope(merchant=merchant.pk):
        store = Store.objects.create(merchant=merchant, name="Replay", number="1")
    return merchant, store, customer, clerk


def _columns(orders: Sequence[OrderRow]) -> list[list[object]]:
    return [
        [order.number for order in orders],
        [order.total_fen for order in orders],
        [order.refunded_fen for order in orders],
        [order.created_at for order in orders],
        [order.paid_at for order in orders],
    ]


def _count(merchant: Merchant) -> dict[str, int]:
    """From the rows, not from the file."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE paid_at IS NOT NULL), count(*) FILTER (WHERE paid_at IS NULL),
                COALESCE(sum(paid_fen), 0)::bigint, COALESCE(sum(refunded_fen), 0)::bigint
            FROM coupons_order WHERE merchant_id = %s
            """,
            [merchant.pk],
        )
        orders, paid, unpaid, gross_fen, refunded_fen = cursor.fetchone()
    return {
        "orders": orders,
        "paid": paid,
        "unpaid": unpaid,
        "gross_fen": gross_fen,
        "refunded_fen": refunded_fen,
        "net_fen": gross_fen - refunded_fen,
    }


_TAKE_ROWS = """
CREATE TEMPORARY TABLE replayed ON COMMIT DROP AS
SELECT mint_id() AS order_id, mint_id() AS payment_id, r.* FROM unnest(%s::text[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[]) AS r(number, total_fen, refunded_fen, created_at, paid_at)
"""
_WRITE_ORDERS = (
    """
    INSERT INTO coupons_order (id, merchant_id, customer_id, deal_id, quantity, unit_price_fen, total_fen, currency, terms,
        source, state, stock_slot_id, entrance, placed_at, expires_at, paid_at, closed_at, close_reason, paid_fen,
        refunded_fen)
    SELECT order_id, %(merchant)s, %(customer)s, %(deal)s, 1, total_fen, total_fen, %(currency)s, %(terms)s::jsonb,
        'shop', CASE WHEN paid_at IS NULL THEN 'closed' ELSE 'paid' END, %(slot)s, '', created_at,
        GREATEST(created_at + make_interval(secs => %(unpaid_seconds)s), paid_at), paid_at,
        CASE WHEN paid_at IS NULL THEN created_at + make_interval(secs => %(unpaid_seconds)s) END,
        CASE WHEN paid_at IS NULL THEN 'timeout' ELSE '' END,
        CASE WHEN paid_at IS NULL THEN 0 ELSE total_fen END, refunded_fen
    FROM replayed
    """,
    """
    INSERT INTO coupons_ordershare (merchant_id, order_id, payee_id, kind, bps, rule)
    SELECT %(merchant)s, order_id, t.payee_id, t.kind, t.bps, 'terms:' || t.id
    FROM replayed, merchants_terms t
    WHERE t.merchant_id = %(merchant)s AND t.state = 'in_force' AND t.kind <> 'commission'
    """,
    """
    INSERT INTO coupons_payment (id, merchant_id, order_id, provider, reference, provider_reference, amount_fen, state,
        created_at, succeeded_at)
    SELECT payment_id, %(merchant)s, order_id, CASE WHEN total_fen = 0 THEN 'none' ELSE %(provider)s END,
        'R' || payment_id, number, total_fen, 'succeeded', created_at, paid_at
    FROM replayed WHERE paid_at IS NOT NULL
    """,
    """
    INSERT INTO coupons_dealpurchase (merchant_id, deal_id, customer_id, quantity)
    SELECT %(merchant)s, %(deal)s, %(customer)s, count(*) FROM replayed
    WHERE paid_at IS NOT NULL AND NOT (refunded_fen = total_fen AND total_fen > 0)
    """,
    """
    UPDATE coupons_stockslot SET sold = (SELECT count(*) FROM replayed
        WHERE paid_at IS NOT NULL AND NOT (refunded_fen = total_fen AND total_fen > 0)) WHERE id = %(slot)s
    """,
)
# What was refunded whole went back before use; of all else the money that was kept is redeemed, and then given back in part.
_WRITE_USES_AND_REFUNDS = (
    """
    CREATE TEMPORARY TABLE replayed_coupon ON COMMIT DROP AS
    SELECT c.id AS coupon_id, mint_id() AS redemption_id, mint_id() AS refund_id, r.*,
        r.refunded_fen = r.total_fen AND r.total_fen > 0 AS is_returned
    FROM replayed r JOIN coupons_coupon c ON c.order_id = r.order_id
    """,
    """
    INSERT INTO coupons_redemption (id, merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device, attempt_key,
        attempt_no, use_no, gross_fen, redeemed_at, business_date, due_at)
    SELECT redemption_id, %(merchant)s, coupon_id, order_id, %(deal)s, %(store)s, %(clerk)s, '', 'replay-' || number, 1, 1,
        total_fen, paid_at, (paid_at AT TIME ZONE %(zone)s)::date, paid_at
    FROM replayed_coupon WHERE NOT is_returned
    """,
    """
    UPDATE coupons_coupon c SET state = CASE WHEN r.is_returned THEN 'refunded' ELSE 'redeemed' END,
        uses_left = CASE WHEN r.is_returned THEN 1 ELSE 0 END
    FROM replayed_coupon r WHERE c.id = r.coupon_id
    """,
    """
    INSERT INTO coupons_refund (id, merchant_id, order_id, payment_id, coupon_id, redemption_id, amount_fen, asked_fen,
        reason, state, requested_at, approved_at, paid_out_at, last_error)
    SELECT refund_id, %(merchant)s, order_id, payment_id, coupon_id, CASE WHEN NOT is_returned THEN redemption_id END,
        refunded_fen, CASE WHEN NOT is_returned THEN refunded_fen END,
        CASE WHEN is_returned THEN 'customer' ELSE 'after_use' END, 'paid_out', paid_at, paid_at, paid_at, ''
    FROM replayed_coupon WHERE refunded_fen > 0
    """,
    # The provider's own books, so that a refund asked for later finds its payment.
    """
    INSERT INTO coupons_sandboxcharge (account, reference, amount_fen, currency, subject, notify_url, return_url, paid_at,
        refunded_fen, refund_keys, created_at)
    SELECT %(merchant)s::text, 'R' || payment_id, total_fen, %(currency)s, number, '', '', paid_at, refunded_fen,
        CASE WHEN refunded_fen > 0 THEN jsonb_build_object(refund_id::text,
            jsonb_build_object('fen', refunded_fen, 'at', paid_at)) ELSE '{}' END, created_at
    FROM replayed_coupon WHERE total_fen > 0
    """,
    "ANALYZE coupons_order, coupons_payment, coupons_refund, coupons_coupon, coupons_redemption",
)
