"""Coupons expire; where the deal promised it, what is unused goes back to the customer by itself. In sets: no row is read."""

import logging
from collections.abc import Sequence

from django.db import DataError, IntegrityError, connection, transaction

logger = logging.getLogger(__name__)

# One look per merchant along the index of what is still usable: neither what expired before nor what is valid is read.
_CLAIM = """
SELECT o.id FROM merchants_merchant m CROSS JOIN LATERAL (
    SELECT c.id FROM coupons_coupon c
    WHERE c.merchant_id = m.party_id AND c.state = 'issued' AND c.valid_until <= now()
      AND NOT EXISTS (SELECT FROM coupons_redemption r
                      WHERE r.coupon_id = c.id AND r.reversed_at IS NULL AND r.due_at > now() OFFSET 0)
      AND c.id <> ALL(%(except)s::bigint[])
    ORDER BY c.valid_until LIMIT %(limit)s FOR NO KEY UPDATE OF c SKIP LOCKED) o
LIMIT %(limit)s
"""

# After the claim, so that uses committed just before it are seen. The parts of used uses follow core.money.part_of_uses,
# the payment is the one that paid the order: one that came besides it went back whole (domain/refunds.py).
_EXPIRE = """
WITH over AS MATERIALIZED (
    SELECT c.id, c.merchant_id, c.order_id, (o.terms ->> 'refund_on_expiry')::boolean AS promised,
        c.price_fen - COALESCE((
            SELECT sum(c.price_fen * r.use_no / c.uses_total - c.price_fen * (r.use_no - 1) / c.uses_total)
            FROM coupons_redemption r WHERE r.coupon_id = c.id AND r.reversed_at IS NULL), 0)::bigint AS left_fen,
        CASE WHEN NOT EXISTS (
            SELECT FROM coupons_refund f WHERE f.coupon_id = c.id AND f.redemption_id IS NULL OFFSET 0) THEN (
            SELECT p.id FROM coupons_payment p
            WHERE p.order_id = c.order_id AND p.succeeded_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM coupons_refund f WHERE f.payment_id = p.id AND f.coupon_id IS NULL OFFSET 0)
            ORDER BY p.id LIMIT 1) END AS payment_id
    FROM coupons_coupon c JOIN coupons_order o ON o.id = c.order_id
    WHERE c.id = ANY(%(ids)s) AND NOT EXISTS (
        SELECT FROM coupons_redemption r
        WHERE r.coupon_id = c.id AND r.reversed_at IS NULL AND r.due_at > now() OFFSET 0)),
expired AS (
    UPDATE coupons_coupon c
    SET state = CASE WHEN over.promised AND over.payment_id IS NOT NULL THEN 'refund_locked' ELSE 'expired' END
    FROM over WHERE c.id = over.id AND c.state = 'issued'
    RETURNING c.id),
refunds AS (
    INSERT INTO coupons_refund (merchant_id, order_id, payment_id, coupon_id, amount_fen, reason, state, approved_at,
        last_error)
    SELECT merchant_id, order_id, payment_id, id, left_fen, 'expiry', 'approved', now(), ''
    FROM over JOIN expired USING (id) WHERE promised AND payment_id IS NOT NULL
    RETURNING id, merchant_id, coupon_id, amount_fen),
jobs AS (
    INSERT INTO core_job (kind, key, payload, merchant_id, queue, due_at)
    SELECT 'pay_refund', id::text, jsonb_build_object('refund_id', id), merchant_id, 'outside', now() FROM refunds
    ON CONFLICT (kind, key) DO NOTHING),
audit AS (
    INSERT INTO identity_auditevent (merchant_id, verb, noun, noun_id, facts)
    SELECT over.merchant_id, 'coupon.expired', 'coupon', over.id, jsonb_strip_nulls(jsonb_build_object(
        'refund_fen', refunds.amount_fen,
        'refund_impossible', CASE WHEN over.promised AND refunds.id IS NULL THEN over.left_fen END))
    FROM over JOIN expired USING (id) LEFT JOIN refunds ON refunds.coupon_id = over.id)
SELECT (SELECT count(*) FROM expired), (SELECT count(*) FROM refunds),
    COALESCE((SELECT array_agg(over.id) FROM over JOIN expired USING (id) WHERE promised AND payment_id IS NULL), '{}')
"""


@transaction.atomic
def expire_coupons(*, limit: int = 2_000, skip: list[int] | None = None) -> int:
    """Expire up to `limit` coupons whose validity is over and open their refunds; the number expired.

    Rows are claimed under the lock that redeeming and refunding take, so a coupon is used, refunded or expired, never two.
    A card with a use that may still be undone waits: undone after its refund, that use's money would belong to nobody.
    One that the database refuses is left as it is, named in the log and appended to `skip`, whose coupons are passed
    over: it keeps no other one waiting.
    """
    skip = [] if skip is None else skip
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"limit": limit, "except": skip})
        ids = [pk for (pk,) in cursor.fetchall()]
    return _expire(ids, skip) if ids else 0


def _expire(ids: Sequence[int], skip: list[int]) -> int:
    """All together; where that is refused, each half for itself, down to the one that cannot be expired."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_EXPIRE, {"ids": list(ids)})
            expired, _, without_payment = cursor.fetchone()
            # Each row of this statement is checked here, so that a refusal is this call's and not the commit's.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except (DataError, IntegrityError) as error:
        if len(ids) == 1:
            logger.exception("coupon %s cannot be expired", ids[0], exc_info=error)
            skip.append(ids[0])
            return 0
        half = len(ids) // 2
        return _expire(ids[:half], skip) + _expire(ids[half:], skip)
    if without_payment:
        logger.error(
            "expired coupons whose money cannot go back, nothing is there to refund: %s", without_payment
        )
    return int(expired)
