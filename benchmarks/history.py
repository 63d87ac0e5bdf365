"""A year of a chain's trade in sets: orders, coupons, redemptions, settlement lines and statements, about 20,000 a second."""

import json
from typing import Any

from django.db import connection, transaction
from django_scopes import scope

from benchmarks.filling import Shop, fill_clerks, fill_customers
from core.embedded.processes import say
from coupons.domain.deal_terms import deal_terms
from coupons.domain.stock import open_stocks
from coupons.enums import DealState
from coupons.models import Deal
from coupons.settlement.models import SettlementBatch

DAYS = 365
AT_ONCE = 500_000
CUSTOMERS = 20_000
CLERKS = 50

# Redemption number n of `total`: its day follows from its number, its hour lies between 10 and 22 in the merchant's zone;
# today's lie between midnight and now, so that today is as full as any day. One in a hundred was undone, one in ten of
# the others is not settled. Two are of one order, paid half an hour or some days before.
_USES = """
CREATE TEMP TABLE bench_uses ON COMMIT DROP AS
SELECT n, %(base)s::bigint + n AS id, %(base)s::bigint + (n + 1) / 2 AS order_id,
    1 + (hashint8(n) & 2147483647) %% %(stores)s AS store_no, 1 + (hashint8(n / 2) & 2147483647) %% %(deals)s AS deal_no,
    1 + (hashint8(n + 7) & 2147483647) %% %(clerks)s AS clerk_no, 1 + (hashint8(n / 2 + 3) & 2147483647) %% %(customers)s AS customer_no,
    day, n %% 100 = 7 AS undone, n %% 10 <> 0 AS settled,
    CASE WHEN day = %(today)s THEN %(midnight)s::timestamptz + (%(now)s::timestamptz - %(midnight)s::timestamptz) * part
         ELSE (day + interval '10 hours' + interval '12 hours' * part) AT TIME ZONE %(zone)s END AS at,
    CASE WHEN n / 2 %% 2 = 0 THEN interval '30 minutes' ELSE interval '1 day' * (1 + n / 2 %% 7) END AS before
FROM (SELECT n, %(today)s::date - (%(days)s - 1) + floor(n::float8 * %(days)s / (%(total)s + 1))::int AS day,
        n::float8 * %(days)s / (%(total)s + 1) - floor(n::float8 * %(days)s / (%(total)s + 1)) AS part
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) n) x
"""

_FILL = (
    """
    INSERT INTO coupons_order (id, merchant_id, customer_id, deal_id, quantity, unit_price_fen, total_fen, currency, terms,
        source, state, stock_slot_id, paid_fen, placed_at, expires_at, paid_at, close_reason)
    SELECT u.order_id, %(merchant)s, (%(customer_ids)s::bigint[])[u.customer_no], (%(deal_ids)s::bigint[])[u.deal_no], 2,
        %(price)s, 2 * %(price)s, 'CNY', %(terms)s::jsonb, 'shop', 'paid',
        (%(slot_ids)s::bigint[])[u.deal_no], 2 * %(price)s, u.at - u.before, u.at, u.at - u.before, ''
    FROM bench_uses u WHERE u.n %% 2 = 1
    """,
    """
    INSERT INTO coupons_coupon (id, merchant_id, order_id, deal_id, customer_id, code, price_fen, uses_total, uses_left,
        state, valid_from, valid_until, issued_at)
    SELECT u.id, %(merchant)s, u.order_id, o.deal_id, o.customer_id, (100000000000000 + u.n)::text, %(price)s, 1,
        u.undone::int, CASE WHEN u.undone THEN 'issued' ELSE 'redeemed' END, o.paid_at, o.paid_at + interval '90 days', o.paid_at
    FROM bench_uses u JOIN coupons_order o ON o.id = u.order_id
    """,
    """
    INSERT INTO coupons_redemption (id, merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device, attempt_key,
        attempt_no, use_no, gross_fen, redeemed_at, business_date, due_at, reversed_at)
    SELECT u.id, %(merchant)s, u.id, u.order_id, (%(deal_ids)s::bigint[])[u.deal_no], (%(store_ids)s::bigint[])[u.store_no],
        (%(clerk_ids)s::bigint[])[u.clerk_no], 'till-1', 'bench-' || u.n, 1, 1, %(price)s, u.at, u.day, u.at + interval '1 hour',
        CASE WHEN u.undone THEN u.at + interval '10 minutes' END
    FROM bench_uses u
    """,
    """
    INSERT INTO settlement_settlementline (id, merchant_id, batch_id, redemption_id, coupon_id, deal_id, store_id,
        business_date, gross_fen, platform_fee_bps, service_fee_bps, station_share_bps, commission_bps, platform_payee_id,
        platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen, statement_id)
    SELECT u.id, %(merchant)s, %(batch)s, u.id, u.id, (%(deal_ids)s::bigint[])[u.deal_no],
        (%(store_ids)s::bigint[])[u.store_no], u.day, %(price)s, 250, 0, 0, 0, (SELECT id FROM identity_party WHERE kind = 'platform'),
        %(price)s / 40, 0, 0, 0, %(price)s - %(price)s / 40,
        CASE WHEN u.day < %(today)s THEN %(base)s::bigint + %(days)s - (%(today)s::date - u.day) END
    FROM bench_uses u WHERE u.settled AND NOT u.undone AND u.at < %(now)s::timestamptz - interval '1 hour'
    """,
)

# Sold and not used yet: a tenth as many, paid within the last 60 days, expiring within the next 90.
_UNUSED = (
    """
    INSERT INTO coupons_order (id, merchant_id, customer_id, deal_id, quantity, unit_price_fen, total_fen, currency, terms,
        source, state, stock_slot_id, paid_fen, placed_at, expires_at, paid_at, close_reason)
    SELECT %(base)s::bigint - n, %(merchant)s, (%(customer_ids)s::bigint[])[1 + n %% %(customers)s], (%(deal_ids)s::bigint[])[1 + n %% %(deals)s],
        1, %(price)s, %(price)s, 'CNY', %(terms)s::jsonb, 'shop', 'paid', (%(slot_ids)s::bigint[])[1 + n %% %(deals)s], %(price)s, paid_at, paid_at, paid_at, ''
    FROM (SELECT n, %(now)s::timestamptz - interval '60 days' * n / %(unused)s AS paid_at FROM generate_series(1, %(unused)s) n) x
    """,
    """
    INSERT INTO coupons_coupon (id, merchant_id, order_id, deal_id, customer_id, code, price_fen, uses_total, uses_left,
        state, valid_from, valid_until, issued_at)
    SELECT o.id, %(merchant)s, o.id, o.deal_id, o.customer_id, (200000000000000 + %(base)s::bigint - o.id)::text, %(price)s, 1, 1,
        'issued', o.paid_at, o.paid_at + interval '90 days', o.paid_at
    FROM coupons_order o WHERE o.merchant_id = %(merchant)s AND o.id BETWEEN %(base)s::bigint - %(unused)s AND %(base)s::bigint - 1
    """,
)

# A confirmed statement of each day that is over, linked to the one before; its hash is not reckoned here.
_STATEMENTS = """
INSERT INTO settlement_statement (id, merchant_id, payee_id, kind, number, period_start, period_end, lines_count, gross_fen,
    platform_fee_fen, service_fee_fen, station_share_fen, commission_fen, merchant_fen, amount_fen, previous_id, hash, state,
    confirmed_at, dispute_reason)
SELECT id, %(merchant)s, %(merchant)s, 'merchant', 'S' || to_char(day, 'YYYYMMDD') || '-0001', day, day, lines, gross, fee, 0, 0, 0, net, net,
    lag(id) OVER (ORDER BY id), '', 'confirmed', now(), ''
FROM (SELECT statement_id AS id, business_date AS day, count(*) AS lines, sum(gross_fen) AS gross,
        sum(platform_fee_fen) AS fee, sum(merchant_fen) AS net
      FROM settlement_settlementline WHERE merchant_id = %(merchant)s AND statement_id IS NOT NULL GROUP BY 1, 2) t
"""

_STOCK = """
UPDATE coupons_stockslot s SET sold = o.sold
FROM (SELECT stock_slot_id, sum(quantity) AS sold FROM coupons_order WHERE merchant_id = %(merchant)s GROUP BY 1) o
WHERE s.id = o.stock_slot_id
"""


def fill_history(shop: Shop, *, count: int, deals: int = 20, prefix: str = "history") -> None:
    """So many redemptions over the last 365 days in all stores of the shop, with everything that belongs to them.

    Their codes have no check digit. Foreign keys are not checked and no trigger runs: what is written fits by construction.
    """
    deal_ids = _fill_deals(shop, count=deals)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT now(), mint_id() - (60000::bigint << 22)"
        )  # below every id that is minted from now on
        now, base = cursor.fetchone()
    midnight = now.astimezone(shop.merchant.tzinfo).replace(hour=0, minute=0, second=0, microsecond=0)
    with scope(merchant=shop.merchant.pk):
        terms = deal_terms(deal=shop.deal)
    values = {
        "merchant": shop.merchant.pk,
        "base": base,
        "total": count,
        "days": DAYS,
        "now": now,
        "today": midnight.date(),
        "midnight": midnight,
        "zone": shop.merchant.zone,
        "price": shop.deal.price_fen,
        "terms": json.dumps(terms),
        "batch": _fill_batch(shop),
        "unused": max(1, count // 10),
        **_ids("customer", fill_customers(count=min(CUSTOMERS, count), prefix=prefix)),
        **_ids("clerk", [clerk.pk for clerk in fill_clerks(shop, count=CLERKS)]),
        **_ids("store", [store.pk for store in shop.stores]),
        **_ids("deal", deal_ids),
        **_ids("slot", _first_slots(deal_ids)),
    }
    for first in range(1, count + 1, AT_ONCE):
        last = min(first + AT_ONCE - 1, count)
        _write((_USES, *_FILL), values | {"first": first, "last": last})
        if count > AT_ONCE:
            say(f"  {last:,} of {count:,}")
    _write((*_UNUSED, _STATEMENTS, _STOCK), values)


def _write(statements: tuple[str, ...], values: dict[str, Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL synchronous_commit = off")
        for statement in statements:
            cursor.execute(statement, values)


def _ids(name: str, ids: list[int]) -> dict[str, Any]:
    return {f"{name}_ids": ids, f"{name}s": len(ids)}


def _fill_deals(shop: Shop, *, count: int) -> list[int]:
    with scope(merchant=shop.merchant.pk):
        more = [
            Deal.objects.create(
                merchant=shop.merchant,
                title=f"{shop.deal.title} {number}",
                price_fen=shop.deal.price_fen,
                list_price_fen=shop.deal.list_price_fen,
                state=DealState.ONLINE,
            )
            for number in range(2, count + 1)
        ]
        open_stocks(deals=[(deal, None) for deal in more])
    return [shop.deal.pk, *(deal.pk for deal in more)]


def _first_slots(deal_ids: list[int]) -> list[int]:
    """The slot that says what was sold, of each deal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT deal_id, min(id) FROM coupons_stockslot WHERE deal_id = ANY(%s) GROUP BY deal_id",
            [deal_ids],
        )
        slots = dict(cursor.fetchall())
    return [slots[deal_id] for deal_id in deal_ids]


def _fill_batch(shop: Shop) -> int:
    with scope(merchant=shop.merchant.pk):
        return SettlementBatch.objects.create(merchant=shop.merchant, lines=0, gross_fen=0).pk
