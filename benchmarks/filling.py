"""Filling a benchmark's database: one shop by the product's own functions, masses by set-based SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django_scopes import scope, scopes_disabled

from coupons.domain.deal_terms import deal_terms
from coupons.domain.stock import open_stock
from coupons.enums import DealState
from coupons.models import Deal
from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership
from merchants.domain.merchants import create_merchant
from merchants.models import Merchant, Store

CLERK = "店员"


@dataclass(frozen=True)
class Shop:
    """A merchant, what it sells and who stands at its counters."""

    merchant: Merchant
    owner: User
    stores: Sequence[Store]
    deal: Deal


def fill_shop(*, slug: str = "bench", stores: int = 4, price_fen: int = 12_800) -> Shop:
    """A merchant with an owner, open stores and a deal on sale in all of them."""
    owner = User.objects.create_user(name="老板")
    merchant = create_merchant(slug=slug, name="山城老灶火锅", owner=owner)
    with scope(merchant=merchant.pk):
        made = [
            Store.objects.create(
                merchant=merchant, name=f"山城老灶火锅({number}店)", number=str(number), city="重庆"
            )
            for number in range(1, stores + 1)
        ]
        deal = Deal.objects.create(
            merchant=merchant,
            title="双人鸳鸯锅套餐",
            price_fen=price_fen,
            list_price_fen=21_600,
            state=DealState.ONLINE,
        )
        open_stock(deal=deal, total=None)
    return Shop(merchant=merchant, owner=owner, stores=made, deal=deal)


def fill_clerks(shop: Shop, *, count: int) -> list[User]:
    """Clerks, each bound to one store in turn. They have no password; see case redeem for their sessions and tokens."""
    first = User.objects.filter(name__startswith=CLERK).count()  # of other shops
    clerks = User.objects.bulk_create(
        [
            User(name=f"{CLERK}{number}", phone=f"+86139{number:08d}", password=f"!{number:040d}")
            for number in range(first, first + count)
        ]
    )
    for number, clerk in enumerate(clerks):
        store = shop.stores[number % len(shop.stores)]
        set_membership(merchant=shop.merchant, user=clerk, role=Role.CLERK, stores=[store], by=shop.owner)
    return clerks


def fill_customers(*, count: int, prefix: str = "bench") -> list[int]:
    """So many customers with open_ids `prefix-1` and so on; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO identity_user (password, is_superuser, name, language, is_active, is_staff)
                SELECT '!', false, 'c' || n, '', true, false FROM generate_series(1, %(count)s) n RETURNING id, name)
            INSERT INTO identity_customer (user_id, sign_in_provider, open_id, nickname, phone_tail)
            SELECT id, 'sandbox', %(prefix)s || substr(name, 2), name, lpad((id %% 10000)::text, 4, '0') FROM made
            RETURNING id
            """,
            {"count": count, "prefix": f"{prefix}-"},
        )
        return [pk for (pk,) in cursor.fetchall()]


# The Damm table of python-stdnum, row after row; a property of codes that the domain checks before it asks the database.
_CODES = """
CREATE OR REPLACE FUNCTION pg_temp.bench_code(number bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  -- A bijection of the numbers below 10^14, so that codes are distinct and look random to an index.
  body text := lpad(((number::numeric * 73687870001 + 12345678901) % 100000000000000)::text, 14, '0');
  damm text := '0317598642709215486342068713591750983426612304597836742095815869720134894536201794386172052581436790';
  interim int := 0;
BEGIN
  FOR place IN 1..14 LOOP
    interim := substr(damm, interim * 10 + substr(body, place, 1)::int + 1, 1)::int;
  END LOOP;
  RETURN body || interim;
END $$;
"""

_ORDERS = """
INSERT INTO coupons_order (merchant_id, customer_id, deal_id, quantity, unit_price_fen, total_fen, currency, terms,
    source, state, stock_slot_id, paid_fen, placed_at, expires_at, paid_at, close_reason)
SELECT %(merchant)s, (%(customers)s::bigint[])[1 + n %% %(customer_count)s], %(deal)s, 1, %(price)s, %(price)s, 'CNY', %(terms)s::jsonb,
    'shop', 'paid', (%(slots)s::bigint[])[1 + n %% cardinality(%(slots)s)], %(price)s,
    now() - interval '1 day', now() - interval '23 hours', now() - interval '1 day', ''
FROM generate_series(1, %(count)s) n
"""

_SOLD = """
UPDATE coupons_stockslot s SET sold = s.sold + o.sold
FROM (SELECT stock_slot_id, count(*) AS sold FROM coupons_order WHERE merchant_id = %(merchant)s AND id > %(after)s
      GROUP BY stock_slot_id) o
WHERE s.id = o.stock_slot_id
"""

_COUPONS = """
INSERT INTO coupons_coupon (merchant_id, order_id, deal_id, customer_id, code, price_fen, uses_total, uses_left, state,
    valid_from, valid_until, issued_at)
SELECT merchant_id, id, deal_id, customer_id,
    CASE WHEN %(plain)s THEN (100000000000000 + number)::text ELSE pg_temp.bench_code(%(first)s + number) END,
    total_fen, 1, 1, 'issued', now() - interval '2 days', now() + interval '90 days', now() - interval '1 day'
FROM (SELECT o.*, row_number() OVER (ORDER BY id) - 1 AS number FROM coupons_order o
      WHERE merchant_id = %(merchant)s AND id > %(after)s) o
"""


def fill_orders_and_coupons(
    shop: Shop, *, count: int, customers: int = 1000, first_code: int = 0, plain_codes: bool = False
) -> None:
    """So many paid orders of one coupon each, redeemable now in every store; about 15,000 a second.

    Their codes are those of `fetch_codes` from first_code on. With `plain_codes` they are the numbers from
    100000000000000 on, which pgbench can count but which are no codes to the product (no check digit).
    """
    customer_ids = fill_customers(count=customers, prefix=f"bench-{first_code}-{plain_codes}")
    with scopes_disabled():
        terms = deal_terms(deal=shop.deal)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CODES)
        cursor.execute(
            "SELECT coalesce(max(id), 0) FROM coupons_order WHERE merchant_id = %s", [shop.merchant.pk]
        )
        after = cursor.fetchone()[0]
        cursor.execute(
            "SELECT array_agg(id ORDER BY number) FROM coupons_stockslot WHERE deal_id = %s", [shop.deal.pk]
        )
        values = {
            "merchant": shop.merchant.pk,
            "deal": shop.deal.pk,
            "slots": cursor.fetchone()[0],
            "customers": customer_ids,
            "customer_count": customers,
            "price": shop.deal.price_fen,
            "terms": json.dumps(terms),
            "count": count,
            "plain": plain_codes,
            "first": first_code,
            "after": after,
        }
        cursor.execute(_ORDERS, values)
        cursor.execute(_SOLD, values)
        cursor.execute(_COUPONS, values)


def fill_redemptions(shop: Shop, *, clerk: User) -> int:
    """Redeem every coupon that is left, an hour ago, in the shop's first store; not settled. How many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH spent AS (
                UPDATE coupons_coupon SET uses_left = 0, state = 'redeemed'
                WHERE merchant_id = %(merchant)s AND state = 'issued' AND uses_total = 1
                RETURNING id, order_id, deal_id, price_fen)
            INSERT INTO coupons_redemption (merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device,
                attempt_key, attempt_no, use_no, gross_fen, redeemed_at, business_date, due_at)
            SELECT %(merchant)s, id, order_id, deal_id, %(store)s, %(clerk)s, '', md5(id::text), 1, 1, price_fen,
                now() - interval '1 hour', current_date, now()
            FROM spent
            """,
            {"merchant": shop.merchant.pk, "store": shop.stores[0].pk, "clerk": clerk.pk},
        )
        return cursor.rowcount


def fetch_codes(*, first_code: int, count: int) -> list[str]:
    """The codes filled under these numbers, in an order that is none to the tables."""
    with connection.cursor() as cursor:
        cursor.execute(_CODES)
        cursor.execute(
            "SELECT pg_temp.bench_code(n) FROM generate_series(%s::bigint, %s::bigint) n ORDER BY hashint8(n)",
            [first_code, first_code + count - 1],
        )
        return [code for (code,) in cursor.fetchall()]
