"""Redeeming at the counter: look, use exactly once, undo inside the window. A hot path.

redeem_coupons is four statements including BEGIN and COMMIT (five for times cards), which is why the two in the middle
are written by hand: one locks every coupon of the order in id order with all that the rules need, one writes uses,
redemptions, the audit row and the settlement job together. Needs PostgreSQL alone; Redis may be away.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django_scopes import scope

from core.errors import DomainError, NotFound
from core.money import part_of_uses
from coupons.domain.codes import is_code, mask_code, normalise_code
from coupons.domain.deal_terms import describe_usable_times
from coupons.domain.usability import is_usable_time
from coupons.enums import CouponState
from coupons.models import Redemption
from identity.models import User
from merchants.enums import StoreState
from merchants.models import Merchant, Store

WRONG_TRIES = 5  # wrong codes of one clerk …
WRONG_TRIES_SECONDS = 60  # … within this time …
LOCK_SECONDS = 30  # … lock his next try for so long


class RedemptionRefused(DomainError):
    """A code that cannot be redeemed here and now; kept as a RedemptionRefusal row."""


class CouponUnknown(RedemptionRefused):
    code = "coupon_unknown"


class CouponOfOtherMerchant(RedemptionRefused):
    code = "coupon_other_merchant"


class CouponOfOtherStore(RedemptionRefused):
    code = "coupon_wrong_store"


class StoreClosed(RedemptionRefused):
    code = "store_closed"


class CouponNotYetValid(RedemptionRefused):
    code = "coupon_not_yet_valid"


class CouponExpired(RedemptionRefused):
    code = "coupon_expired"


class CouponUnusableDay(RedemptionRefused):
    code = "coupon_unusable_day"


class CouponAlreadyUsed(RedemptionRefused):
    code = "coupon_already_used"


class CouponRefunded(RedemptionRefused):
    code = "coupon_refunded"


class CouponRefundLocked(RedemptionRefused):
    code = "coupon_refund_locked"


class CouponVoided(RedemptionRefused):
    code = "coupon_voided"


class CountTooLarge(RedemptionRefused):
    code = "count_too_large"


class TooManyTries(RedemptionRefused):
    code = "too_many_tries"


class AttemptKeyReused(RedemptionRefused):
    """The attempt's key belongs to a redemption of other coupons."""

    code = "attempt_key_reused"


class ReversalTooLate(DomainError):
    code = "reversal_too_late"


class AlreadyReversed(DomainError):
    code = "already_reversed"


class AlreadySettled(DomainError):
    code = "already_settled"


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


@dataclass(frozen=True)
class _Row:
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
        rows = _fetch_order_coupons(merchant=merchant, code=digits, clerk=clerk, attempt_key="", lock=False)
        scanned = _check_refusals(merchant=merchant, store=store, code=digits, rows=rows, at=at, clerk=clerk)
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
        usable_count=sum(row.uses_left for row in rows if _is_usable(row, moment)),
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
        rows = _fetch_order_coupons(
            merchant=merchant, code=code, clerk=clerk, attempt_key=attempt_key, lock=True
        )
        if rows and rows[0].repeated:
            receipt = _first_receipt(merchant=merchant, code=code, attempt_key=attempt_key)
            if receipt is None:
                raise AttemptKeyReused
            return receipt
        scanned = _check_refusals(merchant=merchant, store=store, code=code, rows=rows, at=at, clerk=clerk)
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


_FETCH = """
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


def _fetch_order_coupons(
    *, merchant: Merchant, code: str, clerk: User, attempt_key: str, lock: bool
) -> list[_Row]:
    """Every coupon of the order this code belongs to, in the order of their ids (so two clerks cannot deadlock)."""
    if not is_code(code):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _FETCH + ("FOR NO KEY UPDATE OF c" if lock else ""),
            {
                "merchant": merchant.pk,
                "clerk": clerk.pk,
                "window": WRONG_TRIES_SECONDS,
                "attempt": attempt_key,
                "code": code,
            },
        )
        return [
            _Row(*row[:10], json.loads(row[10]) if isinstance(row[10], str) else row[10], *row[11:])  # type: ignore[call-arg]
            for row in cursor.fetchall()
        ]


def _check_refusals(
    *, merchant: Merchant, store: Store, code: str, rows: list[_Row], at: datetime | None, clerk: User
) -> _Row:
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
        raise TooManyTries(seconds=int(wait) + 1)


def _check_state(*, merchant: Merchant, row: _Row, at: datetime) -> None:
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
            Redemption.objects.filter(coupon_id=coupon_id, reversed_at__isnull=True)
            .select_related("store", "clerk")
            .latest("redeemed_at")
        )
    return {
        "redeemed_at": last.redeemed_at.isoformat(),
        "store": last.store.name,
        "clerk": last.clerk.name,
    }


def _store_names(merchant: Merchant, store_ids: Sequence[str]) -> list[str]:
    with scope(merchant=merchant.pk):
        stores = Store.objects.filter(pk__in=store_ids, state=StoreState.OPEN).order_by("city", "name")
        return list(stores.values_list("name", flat=True)[:20])


def _is_usable(row: _Row, at: datetime) -> bool:
    """Coupons of one order share their rules; state and validity are each one's own."""
    return row.state == CouponState.ISSUED and row.valid_from <= at < row.valid_until


@dataclass(frozen=True)
class _Use:
    row: _Row
    use_no: int
    gross_fen: int = field(init=False)

    def __post_init__(self) -> None:
        gross = part_of_uses(self.row.price_fen, self.row.uses_total, self.use_no)
        object.__setattr__(self, "gross_fen", gross)


def _choose_uses(*, rows: list[_Row], scanned: _Row, count: int, at: datetime) -> list[_Use]:
    """The scanned coupon's uses first, then its siblings' in the order of their ids."""
    usable = [scanned, *(row for row in rows if row.id != scanned.id and _is_usable(row, at))]
    available = sum(row.uses_left for row in usable)
    if count < 1 or count > available:
        raise CountTooLarge(usable=available)
    uses: list[_Use] = []
    for row in usable:
        for use_no in _free_use_numbers(row)[: count - len(uses)]:
            uses.append(_Use(row=row, use_no=use_no))
    return uses


def _free_use_numbers(row: _Row) -> list[int]:
    """Which numbers are free: a reversal may have left a gap in a times card, asked under the lock."""
    if row.uses_left == row.uses_total:
        return list(range(1, row.uses_total + 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT use_no FROM coupons_redemption WHERE coupon_id = %s AND reversed_at IS NULL", [row.id]
        )
        taken = {use_no for (use_no,) in cursor.fetchall()}
    return [use_no for use_no in range(1, row.uses_total + 1) if use_no not in taken]


_WRITE = """
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
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
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


def reverse_redemptions(
    *,
    merchant: Merchant,
    redemption_ids: Sequence[int],
    by: User,
    reason: str = "",
    at: datetime | None = None,
) -> int:
    """Undo these redemptions, all or none: each gives its use back. Inside the window and before settlement only.

    Raises NotFound, AlreadyReversed, ReversalTooLate, AlreadySettled (the database itself keeps what settlement took).
    """
    ids = sorted(set(redemption_ids))
    try:
        with transaction.atomic():
            return _reverse(merchant=merchant, ids=ids, by=by, reason=reason, at=at)
    except IntegrityError as error:
        if "is settled" in str(error):
            raise AlreadySettled from error
        raise


def _reverse(*, merchant: Merchant, ids: list[int], by: User, reason: str, at: datetime | None) -> int:
    """Takes the coupons' locks first, as redeeming does; NO KEY, so that a settlement's new lines need not wait for them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id FROM coupons_coupon c WHERE c.merchant_id = %(merchant)s AND c.id IN
                (SELECT coupon_id FROM coupons_redemption WHERE merchant_id = %(merchant)s AND id = ANY(%(ids)s))
            ORDER BY c.id FOR NO KEY UPDATE
            """,
            {"merchant": merchant.pk, "ids": ids},
        )
        cursor.execute(
            """
            SELECT id, coupon_id, reversed_at IS NOT NULL, due_at <= COALESCE(%(at)s, clock_timestamp())
            FROM coupons_redemption WHERE merchant_id = %(merchant)s AND id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE
            """,
            {"merchant": merchant.pk, "ids": ids, "at": at},
        )
        rows = cursor.fetchall()
        if not ids or len(rows) != len(ids):
            raise NotFound
        if any(reversed_before for _, _, reversed_before, _ in rows):
            raise AlreadyReversed
        if any(too_late for _, _, _, too_late in rows):
            raise ReversalTooLate
        cursor.execute(
            """
            WITH undone AS (
                UPDATE coupons_redemption SET reversed_at = COALESCE(%(at)s, now()) WHERE id = ANY(%(ids)s)
                RETURNING id, coupon_id, order_id, gross_fen),
            kept AS (
                INSERT INTO coupons_redemptionreversal (merchant_id, redemption_id, by_id, reason, at)
                SELECT %(merchant)s, id, %(by)s, %(reason)s, COALESCE(%(at)s, now()) FROM undone),
            given_back AS (
                UPDATE coupons_coupon c SET uses_left = c.uses_left + u.n,
                    state = CASE WHEN c.state = 'redeemed' THEN 'issued' ELSE c.state END
                FROM (SELECT coupon_id, count(*) AS n FROM undone GROUP BY coupon_id) u WHERE c.id = u.coupon_id)
            INSERT INTO identity_auditevent (merchant_id, actor_id, verb, noun, noun_id, facts)
            SELECT %(merchant)s, %(by)s, 'redemption.reversed', 'order', order_id,
                jsonb_build_object('uses', count(*), 'gross_fen', sum(gross_fen), 'reason', %(reason)s::text)
            FROM undone GROUP BY order_id
            """,
            {"merchant": merchant.pk, "ids": ids, "at": at, "by": by.pk, "reason": reason},
        )
    return len(rows)
