"""Undoing redemptions inside the window; a fact of its own, never a change of the first."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from core.errors import DomainError, NotFound
from coupons.enums import CouponState
from identity.models import User
from merchants.models import Merchant

OPEN_STATES = {CouponState.ISSUED, CouponState.REDEEMED}


class ReversalTooLate(DomainError):
    code = "reversal_too_late"


class AlreadyReversed(DomainError):
    code = "already_reversed"


class AlreadySettled(DomainError):
    code = "already_settled"


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
            SELECT c.state FROM coupons_coupon c WHERE c.merchant_id = %(merchant)s AND c.id IN
                (SELECT coupon_id FROM coupons_redemption WHERE merchant_id = %(merchant)s AND id = ANY(%(ids)s))
            ORDER BY c.id FOR NO KEY UPDATE
            """,
            {"merchant": merchant.pk, "ids": ids},
        )
        states = {state for (state,) in cursor.fetchall()}
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
        # What an expiry refund counted as used stays used (expiry waits for the window; this is for who came in between).
        if any(too_late for _, _, _, too_late in rows) or not states <= OPEN_STATES:
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
