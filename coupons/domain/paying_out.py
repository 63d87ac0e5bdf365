"""Many refunds are paid out at once: each asked of its provider by itself, all answers recorded in one transaction.

No lock is held while a provider is asked. A provider that is slow, or away, costs the refunds that are not asked yet
nothing: they are given back, and another worker takes them.
"""

import time
from collections.abc import Sequence

from django.db import connection, transaction
from django_scopes import scopes_disabled

from core.domain.jobs import OUTSIDE_LEASE_SECONDS, NotReached, job_set_handler
from core.models import Job
from coupons.domain.refunds import record_paid_out
from coupons.enums import RefundReason, RefundState
from coupons.models import Refund
from coupons.payment_providers import get_provider

# Thousands at once; what was given back or used, and payments nobody may keep, are few.
MANY = {RefundReason.EXPIRY, RefundReason.RECALL}
ASKING_SECONDS = OUTSIDE_LEASE_SECONDS / 4


@job_set_handler("pay_refund")
def pay_refunds(jobs: Sequence[Job]) -> dict[int, Exception]:
    """Ask the providers, then record their answers; which jobs failed and why.

    Safe to repeat: a refund's id is the provider's key, and a refund that is recorded is not asked for again.
    """
    failed: dict[int, Exception] = {}
    paid: list[Refund] = []
    end = time.monotonic() + ASKING_SECONDS
    with scopes_disabled():
        refunds = Refund.objects.select_related("payment").in_bulk([job.payload["refund_id"] for job in jobs])
        for job in jobs:
            refund = refunds[job.payload["refund_id"]]
            if refund.state not in (RefundState.APPROVED, RefundState.FAILED):
                continue
            if time.monotonic() > end:
                failed[job.pk] = NotReached()
                continue
            try:
                if refund.amount_fen:
                    get_provider(refund.payment.provider).refund(
                        reference=refund.payment.reference,
                        refund_key=str(refund.pk),
                        amount_fen=refund.amount_fen,
                    )
                paid.append(refund)
            except Exception as error:
                Refund.objects.filter(pk=refund.pk).exclude(state=RefundState.PAID_OUT).update(
                    state=RefundState.FAILED, last_error=repr(error)[:200]
                )
                failed[job.pk] = error
        _record_many([refund.pk for refund in paid if refund.reason in MANY])
        for refund in paid:
            if refund.reason not in MANY:
                record_paid_out(refund)
    return failed


# Locks in the order of everywhere, each kind by id: coupons, refunds, orders.
_LOCKS = (
    "SELECT FROM coupons_coupon WHERE id IN (SELECT coupon_id FROM coupons_refund WHERE id = ANY(%(ids)s))"
    " ORDER BY id FOR NO KEY UPDATE",
    "SELECT FROM coupons_refund WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE",
    "SELECT FROM coupons_order WHERE id IN (SELECT order_id FROM coupons_refund WHERE id = ANY(%(ids)s))"
    " ORDER BY id FOR NO KEY UPDATE",
)

# The ledger books refunds in sets: one job per merchant and minute.
_RECORD = """
WITH paid AS (
    UPDATE coupons_refund SET state = 'paid_out', paid_out_at = now(), last_error = ''
    WHERE id = ANY(%(ids)s) AND state <> 'paid_out'
    RETURNING id, merchant_id, order_id, coupon_id, amount_fen),
coupons AS (
    UPDATE coupons_coupon SET state = 'refunded'
    WHERE id IN (SELECT coupon_id FROM paid) AND state = 'refund_locked'),
orders AS (
    UPDATE coupons_order o SET refunded_fen = o.refunded_fen + s.fen
    FROM (SELECT order_id, sum(amount_fen)::bigint AS fen FROM paid GROUP BY order_id) s WHERE o.id = s.order_id),
audit AS (
    INSERT INTO identity_auditevent (merchant_id, verb, noun, noun_id, facts)
    SELECT merchant_id, 'refund.paid_out', 'refund', id, jsonb_build_object('amount_fen', amount_fen) FROM paid)
INSERT INTO core_job (kind, key, payload, merchant_id, due_at)
SELECT DISTINCT 'settle', merchant_id || ':' || to_char(now(), 'YYYYMMDDHH24MI') || ':refunds',
    jsonb_build_object('merchant_id', merchant_id), merchant_id, now() + interval '60 seconds'
FROM paid ORDER BY merchant_id
ON CONFLICT (kind, key) DO NOTHING
"""


@transaction.atomic
def _record_many(refund_ids: list[int]) -> None:
    """As record_paid_out does for one; what expired or was recalled is not sold again."""
    if not refund_ids:
        return
    with connection.cursor() as cursor:
        for lock in _LOCKS:
            cursor.execute(lock, {"ids": refund_ids})
        cursor.execute(_RECORD, {"ids": refund_ids})
