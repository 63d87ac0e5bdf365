"""Redeeming at the counter: look, then use exactly once. A hot path.

redeem_coupons is four statements including BEGIN and COMMIT (five for times cards), which is why the two in the middle
are written by hand: one locks every coupon of the order in id order with all that the rules need (counter_coupon.py),
one writes uses, redemptions, the audit row and the settlement job together. Needs PostgreSQL alone; Redis may be away.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django_scopes import scope

from core.money import part_of_uses
from core.postgresql import prepared_cursor
from coupons.domain.codes import mask_code, normalise_code
from coupons.domain.counter_coupon import (
    CounterCoupon,
    check_usable_here,
    fetch_order_coupons,
    is_usable,
)
from coupons.domain.redemption_refusals import AttemptKeyReused, CountTooLarge, RedemptionRefused
from coupons.models import Redemption
from identity.models import User
from merchants.models import Merchant, Store


@dataclass(frozen=True)
class CouponCheck:
    """What the counter is shown before it confirms; money in fen per use, times in UTC."""

    coupon_id: int
    code: str
    deal_title: str
    terms: dict[str, Any]
    price_fen: int
    list_price_fen: int
    customer_tail: str
    bought_at: datetime
    valid_from: datetime
    valid_until: datetime
    uses_left: int
    uses_total: int
    usable_count: int


@dataclass(frozen=True)
class RedeemedUse:
    id: int
    code: str
    use_no: int
    gross_fen: int


@dataclass(frozen=True)
class Receipt:
    """The answer to a redemption, the same however often it is asked for."""

    redemptions: list[RedeemedUse]
    deal_title: str
    store_name: str
    redeemed_at: datetime
    undo_until: datetime
    replayed: bool

    @property
    def gross_fen(self) -> int:
        return sum(use.gross_fen for use in self.redemptions)


def check_coupon(
    *,
    merchant: Merchant,
    store: Store,
    code: str,
    clerk: User,
    device: str = "",
    at: datetime | None = None,
) -> CouponCheck:
    """Look at a coupon, changing nothing but the list of refusals.

    `usable_count` is how many uses could be redeemed now over all coupons of its order. Raises RedemptionRefused.
    """
    digits = normalise_code(code)
    try:
        rows = fetch_order_coupons(merchant=merchant, code=digits, clerk=clerk, attempt_key="", lock=False)
        scanned = check_usable_here(
            merchant=merchant, store=store, code=digits, rows=rows, at=at, clerk=clerk
        )
    except RedemptionRefused as refusal:
        _keep_refusal(
            merchant=merchant, store=store, clerk=clerk, device=device, code=digits, refusal=refusal
        )
        raise
    moment = at or scanned.now
    return CouponCheck(
        coupon_id=scanned.id,
        code=scanned.code,
        deal_title=scanned.terms["title"],
        terms=scanned.terms,
        price_fen=part_of_uses(
            scanned.price_fen, scanned.uses_total, scanned.uses_total - scanned.uses_left + 1
        ),
        list_price_fen=scanned.terms["list_price_fen"],
        customer_tail=scanned.customer_tail,
        bought_at=scanned.paid_at,
        valid_from=scanned.valid_from,
        valid_until=scanned.valid_until,
        uses_left=scanned.uses_left,
        uses_total=scanned.uses_total,
        usable_count=sum(row.uses_left for row in rows if is_usable(row, moment)),
    )


def redeem_coupons(
    *,
    merchant: Merchant,
    store: Store,
    code: str,
    clerk: User,
    attempt_key: str,
    count: int = 1,
    device: str = "",
    at: datetime | None = None,
) -> Receipt:
    """Redeem `count` uses of this coupon and, where it has not enough, of the other usable coupons of its order.

    Exactly once: all or nothing, under row locks; a repeat of attempt_key (made by the device, up to 64 characters)
    changes nothing and gets the first receipt. Raises RedemptionRefused, which is kept as a row; call it outside a
    transaction, so that the row stays.
    """
    digits = normalise_code(code)
    try:
        for last_try in (False, True):
            try:
                return _redeem(
                    merchant=merchant, store=store, code=digits, clerk=clerk, attempt_key=attempt_key,
                    count=count, device=device, at=at,
                )  # fmt: skip
            except IntegrityError as error:
                # The same attempt committed while this one waited (or a use given back and taken meanwhile).
                if last_try or "redemption_" not in str(error):
                    raise
        raise AssertionError("unreachable")
    except RedemptionRefused as refusal:
        receipt = _first_receipt(merchant=merchant, code=digits, attempt_key=attempt_key)
        if receipt is not None:
            return receipt
        _keep_refusal(
            merchant=merchant, store=store, clerk=clerk, device=device, code=digits, refusal=refusal
        )
        raise


def _redeem(
    *,
    merchant: Merchant,
    store: Store,
    code: str,
    clerk: User,
    attempt_key: str,
    count: int,
    device: str,
    at: datetime | None,
) -> Receipt:
    with transaction.atomic():
        rows = fetch_order_coupons(
            merchant=merchant, code=code, clerk=clerk, attempt_key=attempt_key, lock=True
        )
        if rows and rows[0].repeated:
            receipt = _first_receipt(merchant=merchant, code=code, attempt_key=attempt_key)
            if receipt is None:
                raise AttemptKeyReused
            return receipt
        scanned = check_usable_here(merchant=merchant, store=store, code=code, rows=rows, at=at, clerk=clerk)
        moment = at or scanned.now
        uses = _choose_uses(rows=rows, scanned=scanned, count=count, at=moment)
        return _write_uses(
            merchant=merchant,
            store=store,
            clerk=clerk,
            device=device,
            attempt_key=attempt_key,
            uses=uses,
            at=moment,
        )


@dataclass(frozen=True)
class _Use:
    row: CounterCoupon
    use_no: int
    gross_fen: int = field(init=False)

    def __post_init__(self) -> None:
        gross = part_of_uses(self.row.price_fen, self.row.uses_total, self.use_no)
        object.__setattr__(self, "gross_fen", gross)


def _choose_uses(
    *, rows: list[CounterCoupon], scanned: CounterCoupon, count: int, at: datetime
) -> list[_Use]:
    """The scanned coupon's uses first, then its siblings' in the order of their ids."""
    usable = [scanned, *(row for row in rows if row.id != scanned.id and is_usable(row, at))]
    available = sum(row.uses_left for row in usable)
    if count < 1 or count > available:
        raise CountTooLarge(usable=available)
    uses: list[_Use] = []
    for row in usable:
        for use_no in _free_use_numbers(row)[: count - len(uses)]:
            uses.append(_Use(row=row, use_no=use_no))
    return uses


def _free_use_numbers(row: CounterCoupon) -> list[int]:
    """Which numbers are free: a reversal may have left a gap in a times card, asked under the lock."""
    if row.uses_left == row.uses_total:
        return list(range(1, row.uses_total + 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT use_no FROM coupons_redemption WHERE coupon_id = %s AND reversed_at IS NULL", [row.id]
        )
        taken = {use_no for (use_no,) in cursor.fetchall()}
    return [use_no for use_no in range(1, row.uses_total + 1) if use_no not in taken]


WRITE_SQL = """
WITH uses AS (
    SELECT * FROM unnest(%(coupons)s::bigint[], %(numbers)s::smallint[], %(gross)s::bigint[], %(attempts)s::smallint[])
        AS u(coupon_id, use_no, gross_fen, attempt_no)),
spent AS (
    UPDATE coupons_coupon c SET uses_left = c.uses_left - u.n,
        state = CASE WHEN c.uses_left = u.n THEN 'redeemed' ELSE c.state END
    FROM (SELECT coupon_id, count(*) AS n FROM uses GROUP BY coupon_id) u WHERE c.id = u.coupon_id
    RETURNING c.id),
made AS (
    INSERT INTO coupons_redemption (merchant_id, coupon_id, order_id, deal_id, store_id, clerk_id, device, attempt_key,
        attempt_no, use_no, gross_fen, redeemed_at, business_date, due_at)
    SELECT %(merchant)s, coupon_id, %(order)s, %(deal)s, %(store)s, %(clerk)s, %(device)s, %(attempt)s,
        attempt_no, use_no, gross_fen, %(at)s, %(day)s, %(due)s
    FROM uses RETURNING id, coupon_id, use_no, attempt_no, gross_fen),
audit AS (
    INSERT INTO identity_auditevent (merchant_id, actor_id, verb, noun, noun_id, facts)
    SELECT %(merchant)s, %(clerk)s, 'coupon.redeemed', 'order', %(order)s,
        jsonb_build_object('uses', count(*), 'gross_fen', sum(gross_fen), 'store_id', (%(store)s)::text) FROM uses),
job AS (
    INSERT INTO core_job (kind, key, payload, merchant_id, due_at)
    VALUES ('settle', %(job)s, jsonb_build_object('merchant_id', %(merchant)s::bigint), %(merchant)s, %(bell)s)
    ON CONFLICT (kind, key) DO NOTHING)
SELECT id, coupon_id, use_no, gross_fen FROM made ORDER BY attempt_no
"""


def _write_uses(
    *,
    merchant: Merchant,
    store: Store,
    clerk: User,
    device: str,
    attempt_key: str,
    uses: list[_Use],
    at: datetime,
) -> Receipt:
    due_at = at + timedelta(seconds=merchant.reversal_window_seconds)
    # One bell per merchant and minute: the next full minute after the last of its redemptions is due.
    bell_at = due_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    first = uses[0].row
    with prepared_cursor() as cursor:
        cursor.execute(
            WRITE_SQL,
            {
                "merchant": merchant.pk,
                "coupons": [use.row.id for use in uses],
                "numbers": [use.use_no for use in uses],
                "gross": [use.gross_fen for use in uses],
                "attempts": list(range(1, len(uses) + 1)),
                "order": first.order_id,
                "deal": first.deal_id,
                "store": store.pk,
                "clerk": clerk.pk,
                "device": device,
                "attempt": attempt_key,
                "at": at,
                "day": at.astimezone(merchant.tzinfo).date(),
                "due": due_at,
                "job": f"{merchant.pk}:{bell_at:%Y%m%d%H%M}",
                "bell": bell_at,
            },
        )
        made = cursor.fetchall()
    codes = {use.row.id: use.row.code for use in uses}
    return Receipt(
        redemptions=[
            RedeemedUse(id=pk, code=codes[coupon_id], use_no=use_no, gross_fen=gross_fen)
            for pk, coupon_id, use_no, gross_fen in made
        ],
        deal_title=first.terms["title"],
        store_name=store.name,
        redeemed_at=at,
        undo_until=due_at,
        replayed=False,
    )


def _first_receipt(*, merchant: Merchant, code: str, attempt_key: str) -> Receipt | None:
    """What was answered under this key, where it was about the order of this code."""
    with scope(merchant=merchant.pk):
        made = list(
            Redemption.objects.filter(attempt_key=attempt_key)
            .select_related("coupon", "store", "order")
            .order_by("attempt_no")
        )
        if not made or not made[0].order.coupons.filter(code=code).exists():
            return None
        return Receipt(
            redemptions=[
                RedeemedUse(id=use.pk, code=use.coupon.code, use_no=use.use_no, gross_fen=use.gross_fen)
                for use in made
            ],
            deal_title=made[0].order.terms["title"],
            store_name=made[0].store.name,
            redeemed_at=made[0].redeemed_at,
            undo_until=made[0].due_at,
            replayed=True,
        )


def _keep_refusal(
    *, merchant: Merchant, store: Store, clerk: User, device: str, code: str, refusal: RedemptionRefused
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO coupons_redemptionrefusal
                (merchant_id, store_id, clerk_id, device, coupon_id, masked_code, code, facts)
            VALUES (%s, %s, %s, %s, (SELECT id FROM coupons_coupon WHERE merchant_id = %s AND code = %s), %s, %s, %s::jsonb)
            """,
            [
                merchant.pk, store.pk, clerk.pk, device, merchant.pk, code[:15], mask_code(code[:20]),
                refusal.code, json.dumps(refusal.facts),
            ],
        )  # fmt: skip
