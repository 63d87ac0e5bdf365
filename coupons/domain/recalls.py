"""Recalls: every unused coupon of a deal, or of one link to it, is locked and its money goes back. In sets, chunk by chunk.

A coupon is locked under the lock that redeeming and refunding take, so it is used, refunded or recalled, never two. One
that was given away (no payment stands behind it) is voided.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope, scopes_disabled

from core.clock import database_now
from core.domain.jobs import enqueue_job, job_handler
from core.enums import JobQueue
from core.errors import DomainError, Invalid
from core.models import Job
from coupons.domain.deal_states import DealNotInState, pause_deal
from coupons.enums import DealState, RecallState
from coupons.models import Deal, Placement, Recall
from identity.domain.audit import record_event
from identity.models import User

CHUNK = 2_000
COUNT_HOLDS = timedelta(hours=1)  # as long may somebody think about the number he was shown
BUSY_SECONDS = 5


class NothingToRecall(DomainError):
    code = "recall_nothing"


class RecallNotConfirmed(DomainError):
    """The number typed is not the number of coupons shown, or what was shown is old or no longer the most there can be."""

    code = "recall_not_confirmed"


class RecallRunning(DomainError):
    code = "recall_running"


@dataclass(frozen=True)
class Recallable:
    """Unused coupons issued before `at`: how many, and what goes back for them (fen). Later only fewer."""

    at: datetime
    coupons: int
    amount_fen: int


_OPEN = """
    FROM coupons_coupon c {join}
    WHERE c.merchant_id = %(merchant)s AND c.deal_id = %(deal)s AND c.state = 'issued' AND c.issued_at < %(before)s {only}
"""
_JOIN = "JOIN coupons_order o ON o.id = c.order_id"
_ONLY = "AND o.placement_id = %(placement)s"

# What is left of the price: the uses' own parts follow core.money.part_of_uses and stand in their rows.
_LEFT = """c.price_fen - CASE WHEN c.uses_left = c.uses_total THEN 0 ELSE COALESCE((
        SELECT sum(r.gross_fen) FROM coupons_redemption r WHERE r.coupon_id = c.id AND r.reversed_at IS NULL), 0) END"""


def count_recallable(
    *, deal: Deal, placement: Placement | None = None, at: datetime | None = None
) -> Recallable:
    """What a recall would take back that begins now (or of what was issued before `at`)."""
    moment = at or database_now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), COALESCE(sum({_LEFT}), 0)::bigint {_of(placement)}",
            {
                "merchant": deal.merchant_id,
                "deal": deal.pk,
                "before": moment,
                "placement": placement.pk if placement else None,
            },
        )
        coupons, amount_fen = cursor.fetchone()
    return Recallable(at=moment, coupons=coupons, amount_fen=amount_fen)


@transaction.atomic
def start_recall(
    *,
    deal: Deal,
    placement: Placement | None = None,
    shown: Recallable,
    typed: int,
    words: str,
    by: User,
) -> Recall:
    """Begin to take back what `shown` counted, where the same number was typed; the rest is done by job.

    A deal that is on sale and recalled whole is paused. Raises RecallNotConfirmed, NothingToRecall, RecallRunning,
    Invalid (words).
    """
    words = words.strip()
    if not 2 <= len(words) <= 200:
        raise Invalid(field="words")
    if placement is not None and placement.deal_id != deal.pk:
        raise Invalid(field="placement")
    with scope(merchant=deal.merchant_id):
        Deal.objects.select_for_update(of=("self",), no_key=True).get(pk=deal.pk)
        if Recall.objects.filter(deal=deal, state=RecallState.RUNNING).exists():
            raise RecallRunning
        now = database_now()
        if not now - COUNT_HOLDS <= shown.at <= now:
            raise RecallNotConfirmed
        counted = count_recallable(deal=deal, placement=placement, at=shown.at)
        if not counted.coupons:
            raise NothingToRecall
        if typed != shown.coupons or counted.coupons > shown.coupons:
            raise RecallNotConfirmed
        recall = Recall.objects.create(
            merchant_id=deal.merchant_id,
            deal=deal,
            placement=placement,
            issued_before=shown.at,
            words=words,
            expected_coupons=counted.coupons,
            expected_fen=counted.amount_fen,
            requested_by=by,
        )
        if placement is None:
            _stop_selling(deal, by)
        _ring(recall, chunk=1)
    record_event(
        verb="recall.started", noun="recall", noun_id=recall.pk, by=by, merchant_id=deal.merchant_id,
        deal_id=str(deal.pk), title=deal.title, coupons=counted.coupons, amount_fen=counted.amount_fen, words=words,
    )  # fmt: skip
    return recall


def _stop_selling(deal: Deal, by: User) -> None:
    if Deal.objects.filter(pk=deal.pk, state=DealState.ONLINE).exists():
        try:
            pause_deal(deal=deal, by=by)
        except DealNotInState:
            return


def _of(placement: Placement | None) -> str:
    return _OPEN.format(join=_JOIN if placement else "", only=_ONLY if placement else "")


def _ring(recall: Recall, *, chunk: int, due_in_seconds: int = 0) -> None:
    enqueue_job(
        kind="recall",
        key=f"{recall.pk}:{chunk}",
        payload={"recall_id": recall.pk, "chunk": chunk},
        merchant_id=recall.merchant_id,
        due_in_seconds=due_in_seconds,
    )


@job_handler("recall")
def recall_chunk(job: Job) -> None:
    """Take the next coupons back, and ring for the chunk after; the last one finds none left and says so."""
    with scopes_disabled():
        recall = (
            Recall.objects.select_for_update(of=("self",), no_key=True)
            .select_related("placement")
            .get(pk=job.payload["recall_id"])
        )
        if recall.state != RecallState.RUNNING:
            return
        done = _take_back(recall)
        Recall.objects.filter(pk=recall.pk).update(
            coupons=F("coupons") + done.coupons,
            voided=F("voided") + done.voided,
            amount_fen=F("amount_fen") + done.amount_fen,
        )
        if done.coupons or _is_open(recall):  # open, though none could be claimed: at a counter just now
            _ring(
                recall,
                chunk=job.payload["chunk"] + 1,
                due_in_seconds=0 if done.coupons else BUSY_SECONDS,
            )
            return
        Recall.objects.filter(pk=recall.pk, state=RecallState.RUNNING).update(
            state=RecallState.DONE, done_at=Now()
        )
        recall.refresh_from_db()
    record_event(
        verb="recall.done", noun="recall", noun_id=recall.pk, by=None, merchant_id=recall.merchant_id,
        coupons=recall.coupons, amount_fen=recall.amount_fen,
    )  # fmt: skip


@dataclass(frozen=True)
class _Taken:
    coupons: int
    voided: int
    amount_fen: int


# After the claim, so that uses committed just before it are seen; the payment is the one that paid the order.
_TAKE_BACK = f"""
WITH unused AS MATERIALIZED (
    SELECT c.id, c.merchant_id, c.order_id, {_LEFT} AS left_fen, (
        SELECT p.id FROM coupons_payment p
        WHERE p.order_id = c.order_id AND p.succeeded_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM coupons_refund f WHERE f.payment_id = p.id AND f.coupon_id IS NULL OFFSET 0)
        ORDER BY p.id LIMIT 1) AS payment_id
    FROM coupons_coupon c WHERE c.id = ANY(%(ids)s) AND c.state = 'issued'),
locked AS (
    UPDATE coupons_coupon c
    SET state = CASE WHEN unused.payment_id IS NULL THEN 'voided' ELSE 'refund_locked' END
    FROM unused WHERE c.id = unused.id
    RETURNING c.id),
refunds AS (
    INSERT INTO coupons_refund (merchant_id, order_id, payment_id, coupon_id, recall_id, amount_fen, reason, state,
        requested_by_id, approved_at, last_error)
    SELECT merchant_id, order_id, payment_id, id, %(recall)s, left_fen, 'recall', 'approved', %(by)s, now(), ''
    FROM unused JOIN locked USING (id) WHERE payment_id IS NOT NULL
    RETURNING id, merchant_id, coupon_id, amount_fen),
jobs AS (
    INSERT INTO core_job (kind, key, payload, merchant_id, queue, due_at)
    SELECT 'pay_refund', id::text, jsonb_build_object('refund_id', id), merchant_id, %(queue)s, now() FROM refunds
    ON CONFLICT (kind, key) DO NOTHING),
audit AS (
    INSERT INTO identity_auditevent (merchant_id, actor_id, verb, noun, noun_id, facts)
    SELECT unused.merchant_id, %(by)s, 'coupon.recalled', 'coupon', unused.id, jsonb_strip_nulls(jsonb_build_object(
        'refund_fen', refunds.amount_fen, 'recall_id', %(recall)s::text))
    FROM unused JOIN locked USING (id) LEFT JOIN refunds ON refunds.coupon_id = unused.id)
SELECT (SELECT count(*) FROM locked), (SELECT count(*) FROM locked) - (SELECT count(*) FROM refunds),
    (SELECT COALESCE(sum(amount_fen), 0)::bigint FROM refunds)
"""


def _take_back(recall: Recall) -> _Taken:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id {_of(recall.placement)} ORDER BY c.id LIMIT %(limit)s FOR NO KEY UPDATE OF c SKIP LOCKED",
            _which(recall) | {"limit": CHUNK},
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        if not ids:
            return _Taken(0, 0, 0)
        cursor.execute(
            _TAKE_BACK,
            {"ids": ids, "recall": recall.pk, "by": recall.requested_by_id, "queue": JobQueue.OUTSIDE},
        )
        return _Taken(*cursor.fetchone())


def _is_open(recall: Recall) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT {_of(recall.placement)})", _which(recall))
        return bool(cursor.fetchone()[0])


def _which(recall: Recall) -> dict[str, Any]:
    return {
        "merchant": recall.merchant_id,
        "deal": recall.deal_id,
        "before": recall.issued_before,
        "placement": recall.placement_id,
    }
