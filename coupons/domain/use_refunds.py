"""Refunds of uses: a customer asks and the merchant decides within a day, or the merchant gives money back by himself.

Every step locks the coupon's row first, as redeeming, undoing and refunding before use do: of one use, undoing and
refunding never both win, and no use is refunded twice.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django_scopes import scope, scopes_disabled

from core.clock import database_now
from core.domain.jobs import enqueue_job, job_handler
from core.errors import DomainError, Invalid, NotFound
from core.models import Job
from coupons.domain.refunds import enqueue_payout, get_kept_payment
from coupons.enums import RefundCause, RefundReason, RefundState
from coupons.models import Coupon, Redemption, Refund
from identity.domain.audit import record_event
from identity.models import User

REFUND_DAYS = 30
REVIEW_HOURS = 24
OVERDUE_SECONDS = 120  # a review's job is given so long before the sweeper decides in its place


class UseNotRefundable(DomainError):
    """Undone before, or it cost nothing."""

    code = "use_not_refundable"


class UndoFirst(DomainError):
    """The time to undo is not over: undone, the use is the customer's again, and no money need move."""

    code = "refund_undo_first"


class RefundTooLate(DomainError):
    """More than REFUND_DAYS after the use."""

    code = "refund_too_late"


class RefundAskedBefore(DomainError):
    """This use's refund is being decided, on its way, paid back, or was rejected when the customer asked."""

    code = "refund_asked_before"


class RefundDecided(DomainError):
    """Somebody, or the clock, decided before."""

    code = "refund_decided"


class AmountAboveUse(DomainError):
    """Less than one fen, or more than was asked for."""

    code = "refund_amount_wrong"


@transaction.atomic
def request_refund_of_use(
    *, redemption: Redemption, cause: RefundCause, words: str = "", by: User, at: datetime | None = None
) -> Refund:
    """A customer asks for a use's whole amount. Decided within REVIEW_HOURS, else agreed to by the clock.

    He asks once: what was rejected only the merchant gives back. Raises NotFound, UseNotRefundable, UndoFirst,
    RefundTooLate, RefundAskedBefore, Invalid (cause, words).
    """
    words = words.strip()
    _check_cause(cause)
    if len(words) > 500:
        raise Invalid(field="words")
    with scope(merchant=redemption.merchant_id):
        moment = at or database_now()
        use = _lock_refundable(redemption, at=moment)
        before = Refund.objects.filter(redemption=use).order_by("-id").first()
        if before is not None:
            raise RefundAskedBefore(state=before.state)
        refund = _create(
            use,
            asked_fen=use.gross_fen,
            amount_fen=use.gross_fen,
            state=RefundState.REQUESTED,
            cause=cause,
            words=words,
            requested_by=by,
            requested_at=moment,
            review_due_at=moment + timedelta(hours=REVIEW_HOURS),
        )
        enqueue_job(
            kind="review_refund",
            key=str(refund.pk),
            payload={"refund_id": refund.pk},
            merchant_id=refund.merchant_id,
            due_at=refund.review_due_at,
        )
    _record("refund.requested", refund, by=by, cause=cause)
    return refund


@transaction.atomic
def refund_use(
    *,
    redemption: Redemption,
    amount_fen: int,
    cause: RefundCause,
    reason: str,
    by: User,
    at: datetime | None = None,
) -> Refund:
    """The merchant gives all or part of a use back; approved at once, also after he rejected the customer's request.

    `reason` is what the customer reads. Raises NotFound, UseNotRefundable, UndoFirst, RefundTooLate, RefundAskedBefore,
    AmountAboveUse, Invalid (cause, reason).
    """
    _check_cause(cause)
    reason = _clean_reason(reason)
    with scope(merchant=redemption.merchant_id):
        moment = at or database_now()
        use = _lock_refundable(redemption, at=moment)
        before = Refund.objects.filter(redemption=use).exclude(state=RefundState.REJECTED).first()
        if before is not None:
            raise RefundAskedBefore(state=before.state)
        if not 1 <= amount_fen <= use.gross_fen:
            raise AmountAboveUse(most_fen=use.gross_fen)
        refund = _create(
            use,
            asked_fen=use.gross_fen,
            amount_fen=amount_fen,
            state=RefundState.APPROVED,
            cause=cause,
            requested_by=by,
            requested_at=moment,
            approved_at=moment,
            decided_by=by,
            decision_reason=reason,
        )
        enqueue_payout(refund)
    _record("refund.approved", refund, by=by, cause=cause, reason=reason)
    return refund


@transaction.atomic
def approve_refund(
    *,
    refund: Refund,
    by: User | None,
    amount_fen: int | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> Refund:
    """Agree to a request, to all of it or (with a reason) to a part; `by` None is the clock.

    Exactly once. Raises NotFound, RefundDecided, AmountAboveUse, Invalid (reason).
    """
    with scope(merchant=refund.merchant_id):
        moment = at or database_now()
        current = _lock_request(refund)
        asked_fen = current.asked_fen or 0
        amount_fen = asked_fen if amount_fen is None else amount_fen
        if not 1 <= amount_fen <= asked_fen:
            raise AmountAboveUse(most_fen=asked_fen)
        reason = _clean_reason(reason) if reason.strip() or amount_fen < asked_fen else ""
        if by is not None and amount_fen < asked_fen:
            _check_not_overdue(current, moment)
        _decide(
            current,
            state=RefundState.APPROVED,
            amount_fen=amount_fen,
            approved_at=moment,
            decided_by=by,
            decision_reason=reason,
        )
        enqueue_payout(current)
    _record("refund.approved", current, by=by, reason=reason)
    return current


@transaction.atomic
def reject_refund(*, refund: Refund, by: User, reason: str, at: datetime | None = None) -> Refund:
    """Say no, and why; the customer reads it. Raises NotFound, RefundDecided (also when its time is over), Invalid."""
    reason = _clean_reason(reason)
    with scope(merchant=refund.merchant_id):
        moment = at or database_now()
        current = _lock_request(refund)
        _check_not_overdue(current, moment)
        _decide(
            current,
            state=RefundState.REJECTED,
            rejected_at=moment,
            decided_by=by,
            decision_reason=reason,
        )
    _record("refund.rejected", current, by=by, reason=reason)
    return current


@job_handler("review_refund")
def pass_deadline(job: Job) -> None:
    """Nobody decided in time: the request is agreed to in full."""
    with scopes_disabled():
        refund = Refund.objects.get(pk=job.payload["refund_id"])
    _agree_by_clock(refund)


def agree_overdue(*, limit: int = 500) -> int:
    """The net under the jobs of reviews: requests whose time was over a while ago; how many were agreed to."""
    late = database_now() - timedelta(seconds=OVERDUE_SECONDS)
    with scopes_disabled():
        overdue = list(
            Refund.objects.filter(state=RefundState.REQUESTED, review_due_at__lte=late).order_by(
                "review_due_at"
            )[:limit]
        )
    return sum(_agree_by_clock(refund) for refund in overdue)


def _agree_by_clock(refund: Refund) -> bool:
    try:
        approve_refund(refund=refund, by=None)
    except RefundDecided:
        return False
    return True


def check_refundable(*, redemption: Redemption, at: datetime | None = None) -> None:
    """Whether the merchant could give this use back now, asked without a lock: for pages.

    Raises UseNotRefundable, UndoFirst, RefundTooLate, RefundAskedBefore.
    """
    _check_time(redemption, at or database_now())
    before = Refund.objects.filter(redemption=redemption).exclude(state=RefundState.REJECTED).first()
    if before is not None:
        raise RefundAskedBefore(state=before.state)


def _lock_refundable(redemption: Redemption, *, at: datetime) -> Redemption:
    """The use as it stands under its coupon's lock, refundable by its time and amount."""
    _lock_coupon(redemption.coupon_id)
    use = Redemption.objects.select_related("merchant").get(pk=redemption.pk)
    _check_time(use, at)
    return use


def _check_time(use: Redemption, at: datetime) -> None:
    if use.reversed_at is not None or not use.gross_fen:
        raise UseNotRefundable
    if at < use.due_at:
        raise UndoFirst(undo_until=use.due_at.isoformat())
    if at >= use.redeemed_at + timedelta(days=REFUND_DAYS):
        raise RefundTooLate(days=REFUND_DAYS, redeemed_at=use.redeemed_at.isoformat())


def _lock_request(refund: Refund) -> Refund:
    if refund.coupon_id is None:
        raise NotFound
    _lock_coupon(refund.coupon_id)
    current = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=refund.pk)
    if current.state != RefundState.REQUESTED:
        raise RefundDecided(state=current.state)
    return current


def _lock_coupon(coupon_id: int) -> None:
    if not Coupon.objects.select_for_update(of=("self",), no_key=True).filter(pk=coupon_id).exists():
        raise NotFound


def _create(use: Redemption, **values: object) -> Refund:
    return Refund.objects.create(
        merchant_id=use.merchant_id,
        order_id=use.order_id,
        payment=get_kept_payment(order_id=use.order_id),
        coupon_id=use.coupon_id,
        redemption=use,
        reason=RefundReason.AFTER_USE,
        **values,
    )


def _decide(refund: Refund, **values: object) -> None:
    """Write the decision on the row and on the object; the row is locked."""
    decided = Refund.objects.filter(pk=refund.pk, state=RefundState.REQUESTED).update(**values)
    if not decided:
        raise RefundDecided
    for name, value in values.items():
        setattr(refund, name, value)


def _check_not_overdue(refund: Refund, at: datetime) -> None:
    """Once its time is over the request is agreed to, whether its job ran already or not."""
    if refund.review_due_at is not None and at >= refund.review_due_at:
        raise RefundDecided(state=RefundState.APPROVED)


def _check_cause(cause: str) -> None:
    if cause not in RefundCause.values:
        raise Invalid(field="cause")


def _clean_reason(reason: str) -> str:
    reason = reason.strip()
    if not 2 <= len(reason) <= 200:
        raise Invalid(field="reason")
    return reason


def _record(verb: str, refund: Refund, *, by: User | None, **facts: object) -> None:
    record_event(
        verb=verb,
        noun="refund",
        noun_id=refund.pk,
        by=by,
        merchant_id=refund.merchant_id,
        coupon_id=str(refund.coupon_id),
        amount_fen=refund.amount_fen,
        **facts,
    )
