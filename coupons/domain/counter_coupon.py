"""A coupon as the counter sees it: fetched with all of its order, and asked every question the rules have."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F
from django_scopes import scope

from core.postgresql import prepared_cursor
from coupons.domain.codes import is_code
from coupons.domain.deal_terms import describe_usable_times
from coupons.domain.redemption_refusals import (
    CouponAlreadyUsed,
    CouponExpired,
    CouponNotYetValid,
    CouponOfOtherMerchant,
    CouponOfOtherStore,
    CouponRefunded,
    CouponRefundLocked,
    CouponUnknown,
    CouponUnusableDay,
    CouponVoided,
    StoreClosed,
    TooManyTries,
)
from coupons.domain.usability import is_usable_time
from coupons.enums import CouponState
from coupons.models import Redemption
from identity.models import User
from merchants.enums import StoreState
from merchants.models import Merchant, Store

WRONG_TRIES = 5  # wrong codes of one clerk …
WRONG_TRIES_SECONDS = 60  # … within this time …
LOCK_SECONDS = 30  # … lock his next try for so long


@dataclass(frozen=True)
class CounterCoupon:
    """One coupon of the order, as locked."""

    id: int
    order_id: int
    deal_id: int
    code: str
    price_fen: int
    uses_total: int
    uses_left: int
    state: str
    valid_from: datetime
    valid_until: datetime
    terms: dict[str, Any]
    paid_at: datetime
    customer_tail: str
    wrong_tries: int
    last_wrong_at: datetime | None
    repeated: bool
    now: datetime


FETCH_SQL = """
SELECT c.id, c.order_id, c.deal_id, c.code, c.price_fen, c.uses_total, c.uses_left, c.state, c.valid_from, c.valid_until,
       o.terms, o.paid_at, cu.phone_tail,
       (SELECT count(*) FROM coupons_redemptionrefusal w WHERE w.merchant_id = %(merchant)s AND w.clerk_id = %(clerk)s
          AND w.at > now() - make_interval(secs => %(window)s) AND w.code IN ('coupon_unknown', 'coupon_other_merchant')),
       (SELECT max(w.at) FROM coupons_redemptionrefusal w WHERE w.merchant_id = %(merchant)s AND w.clerk_id = %(clerk)s
          AND w.at > now() - make_interval(secs => %(window)s) AND w.code IN ('coupon_unknown', 'coupon_other_merchant')),
       EXISTS (SELECT FROM coupons_redemption r WHERE r.merchant_id = %(merchant)s AND r.attempt_key = %(attempt)s),
       now()
FROM coupons_coupon c
JOIN coupons_order o ON o.id = c.order_id
JOIN identity_customer cu ON cu.id = c.customer_id
WHERE c.merchant_id = %(merchant)s
  AND c.order_id = (SELECT order_id FROM coupons_coupon WHERE merchant_id = %(merchant)s AND code = %(code)s)
ORDER BY c.id
"""


def fetch_order_coupons(
    *, merchant: Merchant, code: str, clerk: User, attempt_key: str, lock: bool
) -> list[CounterCoupon]:
    """Every coupon of the order this code belongs to, in the order of their ids (so two clerks cannot deadlock)."""
    if not is_code(code):
        return []
    with prepared_cursor() as cursor:
        cursor.execute(
            FETCH_SQL + ("FOR NO KEY UPDATE OF c" if lock else ""),
            {
                "merchant": merchant.pk,
                "clerk": clerk.pk,
                "window": WRONG_TRIES_SECONDS,
                "attempt": attempt_key,
                "code": code,
            },
        )
        return [
            CounterCoupon(*row[:10], json.loads(row[10]) if isinstance(row[10], str) else row[10], *row[11:])  # type: ignore[call-arg]
            for row in cursor.fetchall()
        ]


def check_usable_here(
    *,
    merchant: Merchant,
    store: Store,
    code: str,
    rows: list[CounterCoupon],
    at: datetime | None,
    clerk: User,
) -> CounterCoupon:
    """The scanned coupon, usable here and now; raises the refusal that names the first thing in its way."""
    if not rows:
        _refuse_unknown(merchant=merchant, code=code, clerk=clerk)
    scanned = next(row for row in rows if row.code == code)
    _check_tries(tries=scanned.wrong_tries, last_at=scanned.last_wrong_at, now=scanned.now)
    if store.state != StoreState.OPEN or store.merchant_id != merchant.pk:
        raise StoreClosed
    _check_state(merchant=merchant, row=scanned, at=at or scanned.now)
    if not scanned.terms["all_stores"] and str(store.pk) not in scanned.terms["store_ids"]:
        raise CouponOfOtherStore(stores=_store_names(merchant, scanned.terms["store_ids"]))
    moment = at or scanned.now
    if moment < scanned.valid_from:
        raise CouponNotYetValid(valid_from=scanned.valid_from.isoformat())
    if moment >= scanned.valid_until:
        raise CouponExpired(valid_until=scanned.valid_until.isoformat())
    if not is_usable_time(terms=scanned.terms, at=moment, zone=merchant.tzinfo):
        raise CouponUnusableDay(
            rule=describe_usable_times(scanned.terms),
            blackout_dates=scanned.terms["blackout_dates"],
        )
    return scanned


def _refuse_unknown(*, merchant: Merchant, code: str, clerk: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), max(at), now() FROM coupons_redemptionrefusal WHERE merchant_id = %s AND clerk_id = %s"
            " AND at > now() - make_interval(secs => %s) AND code IN ('coupon_unknown', 'coupon_other_merchant')",
            [merchant.pk, clerk.pk, WRONG_TRIES_SECONDS],
        )
        tries, last_at, now = cursor.fetchone()
        _check_tries(tries=tries, last_at=last_at, now=now)
        cursor.execute("SELECT 1 FROM coupons_coupon WHERE code = %s LIMIT 1", [code])
        elsewhere = cursor.fetchone()
    raise CouponOfOtherMerchant if elsewhere else CouponUnknown


def _check_tries(*, tries: int, last_at: datetime | None, now: datetime) -> None:
    if tries < WRONG_TRIES or last_at is None:
        return
    wait = LOCK_SECONDS - (now - last_at).total_seconds()
    if wait > 0:
        raise TooManyTries(seconds=min(LOCK_SECONDS, math.ceil(wait)))


def _check_state(*, merchant: Merchant, row: CounterCoupon, at: datetime) -> None:
    match row.state:
        case CouponState.REDEEMED:
            raise CouponAlreadyUsed(**_last_use(merchant, row.id))
        case CouponState.REFUNDED:
            raise CouponRefunded
        case CouponState.REFUND_LOCKED if at < row.valid_until:
            raise CouponRefundLocked
        case CouponState.VOIDED:
            raise CouponVoided
        case CouponState.EXPIRED | CouponState.REFUND_LOCKED:
            raise CouponExpired(valid_until=row.valid_until.isoformat())


def _last_use(merchant: Merchant, coupon_id: int) -> dict[str, str]:
    with scope(merchant=merchant.pk):
        last = (
            Redemption.objects.filter(coupon_id=coupon_id)
            .select_related("store", "clerk")
            .order_by(F("reversed_at").asc(nulls_first=True), "-redeemed_at")[0]
        )  # a look takes no lock: the use may have been undone since the coupon was read
    return {
        "redeemed_at": last.redeemed_at.isoformat(),
        "store": last.store.name,
        "clerk": last.clerk.name,
    }


def _store_names(merchant: Merchant, store_ids: Sequence[str]) -> list[str]:
    with scope(merchant=merchant.pk):
        stores = Store.objects.filter(pk__in=store_ids, state=StoreState.OPEN).order_by("city", "name")
        return list(stores.values_list("name", flat=True)[:20])


def is_usable(row: CounterCoupon, at: datetime) -> bool:
    """Coupons of one order share their rules; state and validity are each one's own."""
    return row.state == CouponState.ISSUED and row.valid_from <= at < row.valid_until
