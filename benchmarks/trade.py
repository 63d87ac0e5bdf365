"""A long trade, laid by for what works on many rows: shops with paid orders, coupons and redemptions, without HTTP.

Set-based and with foreign keys at rest (a superuser may), so that a million rows take a minute. What it writes keeps every
invariant but the day sums of insights.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django_scopes import scopes_disabled

from benchmarks.filling import Shop, fill_customers, fill_shop
from core.embedded.processes import say
from coupons.domain.deal_terms import deal_terms
from coupons.settlement.domain.settlement import settle_merchant

QUANTITY = 5  # coupons of an order
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trader:
    """A shop and how many orders it took."""

    shop: Shop
    orders: int


_SHOPS = """
CREATE UNLOGGED TABLE bench_shop (merchant bigint PRIMARY KEY, deal bigint, slot bigint, store bigint, clerk bigint,
    orders int, terms jsonb)
"""
_ORDERS = """
INSERT INTO coupons_order (merchant_id, customer_id, deal_id, quantity, unit_price_fen, total_fen, currency, terms,
    source, state, stock_slot_id, paid_fen, placed_at, expires_at, paid_at, close_reason)
SELECT merchant, (%(customers)s::bigint[])[1 + n %% cardinality(%(customers)s::bigint[])], deal, %(quantity)s,
    price, price * %(quantity)s, 'CNY', terms, 'shop', 'paid', slot, price * %(quantity)s,
    now() - interval '9 days', now() - interval '9 days', now() - interval '9 days', ''
FROM bench_shop CROSS JOIN LATERAL generate_series(1, orders) n
CROSS JOIN LATERAL (SELECT 9900 + n %% 97 * 100 + n %% 3 AS price) p
"""
_SOLD = "UPDATE coupons_stockslot s SET sold = orders * %(quantity)s FROM bench_shop b WHERE s.id = b.slot"
_PURCHASES = """
INSERT INTO coupons_dealpurchase (merchant_id, deal_id, customer_id, quantity)
SELECT merchant_id, deal_id, customer_id, sum(quantity) FROM coupons_order GROUP BY 1, 2, 3
"""
_SHARES = """
INSERT INTO coupons_ordershare (merchant_id, order_id, payee_id, kind, bps, rule)
SELECT o.merchant_id, o.id, t.payee_id, t.kind, t.bps, 'terms:' || t.id
FROM coupons_order o JOIN bench_shop b ON b.merchant = o.merchant_id
JOIN merchants_terms t ON t.merchant_id = o.merchant_id AND t.state = 'in_force' AND t.kind <> 'commission'
"""
_PAYMENTS = """
INSERT INTO coupons_payment (merchant_id, order_id, provider, reference, provider_reference, amount_fen, state,
    created_at, succeeded_at)
SELECT merchant_id, id, 'sandbox', 'P' || id, '', total_fen, 'succeeded', paid_at, paid_at FROM coupons_order
"""
_CHARGES = """
INSERT INTO coupons_sandboxcharge (reference, amount_fen, currency, subject, notify_url, return_url, paid_at,
    refunded_fen, refund_keys)
SELECT reference, amount_fen, 'CNY', '', '', '', succeeded_at, 0, '{}' FROM coupons_payment
"""
_COUPONS = """
INSERT INTO coupons_coupon (merchant_id, order_id, deal_id, customer_id, code, price_fen, uses_total, uses_left, state,
    valid_from, valid_until, issued_at)
SELECT merchant_id, id, deal_id, customer_id, lpad((row_number() OVER ())::text, 15, '0'), unit_price_fen, 1, %(left)s,
    %(state)s, paid_at, now() + %(valid)s::interval, paid_at
FROM coupons_order CROSS JOIN generate_series(1, quantity)
"""
_REDEMPTIONS = """
INSERT INTO coupons_redemption (merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device, attempt_key,
    attempt_no, use_no, gross_fen, redeemed_at, business_date, due_at)
SELECT c.merchant_id, c.id, c.order_id, c.deal_id, b.store, b.clerk, '', c.id::text, 1, 1, c.price_fen,
    now() - interval '2 days', ((now() - interval '2 days') AT TIME ZONE m.zone)::date, now() - interval '47 hours'
FROM coupons_coupon c JOIN bench_shop b ON b.merchant = c.merchant_id
JOIN merchants_merchant m ON m.party_id = c.merchant_id
"""


def fill_traders(*, orders: int, shops: int, large_share: float) -> list[Trader]:
    """Shops with so many paid orders over all, of which the first has `large_share`; no coupons yet."""
    large = int(orders * large_share) if shops > 1 else orders
    each = (orders - large) // (shops - 1) if shops > 1 else 0
    traders = [
        Trader(shop=fill_shop(slug=f"bench-{number}", stores=1), orders=each if number else large)
        for number in range(shops)
    ]
    customers = fill_customers(count=1_000)
    with scopes_disabled(), connection.cursor() as cursor:
        cursor.execute(_SHOPS)
        for trader in traders:
            shop = trader.shop
            cursor.execute(
                "INSERT INTO bench_shop SELECT %s, %s, (SELECT min(id) FROM coupons_stockslot WHERE deal_id = %s),"
                " %s, %s, %s, %s::jsonb",
                [
                    shop.merchant.pk, shop.deal.pk, shop.deal.pk, shop.stores[0].pk, shop.owner.pk, trader.orders,
                    json.dumps(deal_terms(deal=shop.deal)),
                ],
            )  # fmt: skip
    _run(_ORDERS, _SOLD, _PURCHASES, customers=customers, quantity=QUANTITY)
    return traders


def fill_payments(traders: Sequence[Trader]) -> None:
    """Each order's payment, as the sandbox knows it and booked; each order's share."""
    _run(_SHARES)
    _run(_PAYMENTS)
    _run(_CHARGES)
    for trader in traders:
        settle_merchant(merchant_id=trader.shop.merchant.pk, at=LONG_AGO)


def fill_redeemed() -> None:
    """Each order's coupons, each redeemed and due."""
    _run(_COUPONS, left=0, state="redeemed", valid="80 days")
    _run(_REDEMPTIONS)


def fill_expired() -> None:
    """Each order's coupons, unused and past their time since an hour."""
    _run(_COUPONS, left=1, state="issued", valid="-1 hour")


def _run(*statements: str, **values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement, values or None)
            say(f"  {cursor.rowcount:,} rows: {' '.join(statement.split()[:3])}")
