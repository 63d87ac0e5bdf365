"""Refunds before use, and of payments nobody may keep. A redemption and a refund of one coupon take the same lock."""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django_scopes import scope, scopes_disabled

from core.clock import database_now
from core.domain.jobs import enqueue_job, job_handler, wake_job
from core.enums import JobState
from core.errors import DomainError, NotFound
from core.models import Job
from coupons.domain.stock import return_sold
from coupons.enums import CouponState, RefundReason, RefundState
from coupons.models import Coupon, DealPurchase, Order, Payment, Refund
from coupons.payment_providers import get_provider
from identity.domain.audit import record_event
from identity.models import User


class CouponNotRefundable(DomainError):
    """Used, partly used, refunded before, or its deal gives no refund (any more)."""

    code = "coupon_not_refundable"


class RefundNotStuck(DomainError):
    """It goes on by itself, or its money went back."""

    code = "refund_not_stuck"


@transaction.atomic
def request_refund(*, coupon: Coupon, by: User) -> Refund:
    """Lock an unused coupon and send its money back by job; approved by rule. Raises CouponNotRefundable, NotFound.

    Exactly once: the coupon's row is locked, as redeeming locks it, so never both win.
    """
    with scope(merchant=coupon.merchant_id):
        locked = (
            Coupon.objects.select_for_update(of=("self",), no_key=True)
            .select_related("order")
            .filter(pk=coupon.pk)
            .first()
        )
        if locked is None:
            raise NotFound
        if (
            locked.state != CouponState.ISSUED
            or locked.uses_left != locked.uses_total
            or not locked.order.terms["refundable_before_use"]
        ):
            raise CouponNotRefundable(state=locked.state)
        if locked.valid_until <= database_now() and not locked.order.terms["refund_on_expiry"]:
            raise CouponNotRefundable(state=CouponState.EXPIRED)
        payment = get_kept_payment(order_id=locked.order_id)
        Coupon.objects.filter(pk=locked.pk).update(state=CouponState.REFUND_LOCKED)
        refund = _open_refund(
            payment=payment, coupon=locked, amount_fen=locked.price_fen, reason=RefundReason.CUSTOMER, by=by
        )
    record_event(
        verb="refund.requested", noun="coupon", noun_id=coupon.pk, by=by, merchant_id=coupon.merchant_id,
        amount_fen=refund.amount_fen,
    )  # fmt: skip
    return refund


def open_payment_refund(*, payment: Payment, reason: RefundReason) -> Refund:
    """Send a whole payment back (it came late or twice). Call inside the transaction that recorded it."""
    return _open_refund(payment=payment, coupon=None, amount_fen=payment.amount_fen, reason=reason, by=None)


def get_kept_payment(*, order_id: int) -> Payment:
    """The payment that paid the order; one that came besides it went back whole."""
    given_back = Refund.objects.filter(order_id=order_id, coupon__isnull=True).values("payment_id")
    paid = Payment.objects.filter(order_id=order_id, succeeded_at__isnull=False)
    return paid.exclude(pk__in=given_back).earliest("id")


def _open_refund(
    *, payment: Payment, coupon: Coupon | None, amount_fen: int, reason: RefundReason, by: User | None
) -> Refund:
    refund = Refund.objects.create(
        merchant_id=payment.merchant_id,
        order_id=payment.order_id,
        payment=payment,
        coupon=coupon,
        amount_fen=amount_fen,
        reason=reason,
        state=RefundState.APPROVED,
        requested_by=by,
        approved_at=database_now(),
    )
    enqueue_payout(refund)
    return refund


def enqueue_payout(refund: Refund) -> None:
    """The job that asks the provider; call it in the transaction that approves the refund."""
    enqueue_job(
        kind="pay_refund",
        key=str(refund.pk),
        payload={"refund_id": refund.pk},
        merchant_id=refund.merchant_id,
    )


@transaction.atomic
def retry_refund(*, refund: Refund, by: User) -> None:
    """Let a refund whose tries are used up be tried again, under the same key. Raises RefundNotStuck."""
    with scope(merchant=refund.merchant_id):
        current = Refund.objects.get(pk=refund.pk)
    job_id = find_stuck_job(refund=current)
    if job_id is None or not wake_job(job_id=job_id):
        raise RefundNotStuck(state=current.state)
    record_event(
        verb="refund.retried", noun="refund", noun_id=refund.pk, by=by, merchant_id=refund.merchant_id,
        amount_fen=refund.amount_fen,
    )  # fmt: skip


def find_stuck_job(*, refund: Refund) -> int | None:
    """The job of a refund that gave up; None while it goes on by itself."""
    if refund.state not in (RefundState.APPROVED, RefundState.FAILED):
        return None
    dead = Job.objects.filter(kind="pay_refund", key=str(refund.pk), state=JobState.DEAD)
    return dead.values_list("pk", flat=True).first()


@job_handler("pay_refund", calls_outside=True)
def pay_refund(job: Job) -> None:
    """Ask the provider, then record its answer. Safe to repeat: the refund's id is the provider's key."""
    with scopes_disabled():
        refund = Refund.objects.select_related("payment").get(pk=job.payload["refund_id"])
        if refund.state not in (RefundState.APPROVED, RefundState.FAILED):
            return
        try:
            if refund.amount_fen:
                get_provider(refund.payment.provider).refund(
                    reference=refund.payment.reference,
                    refund_key=str(refund.pk),
                    amount_fen=refund.amount_fen,
                )
        except Exception as error:
            Refund.objects.filter(pk=refund.pk).exclude(state=RefundState.PAID_OUT).update(
                state=RefundState.FAILED, last_error=repr(error)[:200]
            )
            raise
        record_paid_out(refund)


@transaction.atomic
def record_paid_out(refund: Refund) -> None:
    """Order of locks as everywhere: coupon, refund, order, the customer's count, stock."""
    if refund.coupon_id and not refund.redemption_id:
        Coupon.objects.filter(pk=refund.coupon_id, state=CouponState.REFUND_LOCKED).update(
            state=CouponState.REFUNDED
        )
    first = (
        Refund.objects.filter(pk=refund.pk)
        .exclude(state=RefundState.PAID_OUT)
        .update(state=RefundState.PAID_OUT, paid_out_at=Now(), last_error="")
    )
    if not first:
        return
    Order.objects.filter(pk=refund.order_id).update(refunded_fen=F("refunded_fen") + refund.amount_fen)
    if refund.reason == RefundReason.CUSTOMER:  # the piece can be sold again
        order = Order.objects.get(pk=refund.order_id)
        DealPurchase.objects.filter(deal_id=order.deal_id, customer_id=order.customer_id).update(
            quantity=F("quantity") - 1
        )
        return_sold(slot_id=order.stock_slot_id, quantity=1)
    record_event(
        verb="refund.paid_out", noun="refund", noun_id=refund.pk, by=None, merchant_id=refund.merchant_id,
        amount_fen=refund.amount_fen,
    )  # fmt: skip
    enqueue_job(
        kind="settle",
        key=f"{refund.merchant_id}:refund:{refund.pk}",
        payload={"merchant_id": refund.merchant_id},
        merchant_id=refund.merchant_id,
        due_in_seconds=60,
    )
