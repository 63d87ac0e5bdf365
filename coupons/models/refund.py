"""Money back to the customer."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import RefundCause, RefundReason, RefundState
from coupons.models.coupon import Coupon
from coupons.models.order import Order
from coupons.models.payment import Payment
from coupons.models.recall import Recall
from coupons.models.redemption import Redemption
from identity.models import User
from ledger.models import Journal
from merchants.models import Merchant


class Refund(models.Model):
    """Money going back, once: of what is unused of a coupon, of one use, or (with no coupon) a payment nobody may keep.

    The row's id is the key under which the provider is asked, so that asking again pays once. `amount_fen` is what goes
    back; of a use at most `asked_fen`, which is at most the use's gross. `decided_by` is null where a rule or the clock
    decided. A trigger keeps a use's refund to its own coupon and gross, and a coupon's refunds to its price.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    coupon = models.ForeignKey(Coupon, null=True, on_delete=models.PROTECT, related_name="refunds")
    redemption = models.ForeignKey(
        Redemption, null=True, on_delete=models.PROTECT, related_name="refunds", db_index=False
    )  # refund_by_use
    recall = models.ForeignKey(
        Recall, null=True, on_delete=models.PROTECT, related_name="refunds", db_index=False
    )  # refund_by_recall
    amount_fen = models.BigIntegerField()
    asked_fen = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=16, choices=RefundReason)
    cause = models.CharField(max_length=16, choices=RefundCause, blank=True, default="", db_default="")
    words = models.CharField(max_length=500, blank=True, default="", db_default="")
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.REQUESTED)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    review_due_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decision_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    approved_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    paid_out_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True, default="")
    journal = models.ForeignKey(Journal, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Refund")
        verbose_name_plural = _("Refunds")
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"],
                condition=Q(coupon__isnull=False, redemption__isnull=True),
                name="refund_once_per_coupon",
            ),
            models.UniqueConstraint(  # what was refused may still be given back later, as a new decision
                fields=["redemption"],
                condition=Q(redemption__isnull=False) & ~Q(state=RefundState.REJECTED),
                name="refund_once_per_use",
            ),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(coupon__isnull=True), name="refund_once_per_payment"
            ),
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="refund_amount"),
            models.CheckConstraint(
                condition=Q(
                    reason=RefundReason.AFTER_USE,
                    redemption__isnull=False,
                    coupon__isnull=False,
                    amount_fen__gte=1,
                    asked_fen__isnull=False,
                    asked_fen__gte=F("amount_fen"),
                )
                | ~Q(reason=RefundReason.AFTER_USE) & Q(redemption__isnull=True, asked_fen__isnull=True),
                name="refund_of_use",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=RefundState.REQUESTED, approved_at__isnull=True, review_due_at__isnull=False
                )
                | Q(state=RefundState.REJECTED, approved_at__isnull=True, review_due_at__isnull=False)
                & ~Q(decision_reason="")
                | ~Q(state__in=[RefundState.REQUESTED, RefundState.REJECTED]) & Q(approved_at__isnull=False),
                name="refund_approved_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state=RefundState.REJECTED, rejected_at__isnull=False, decided_by__isnull=False)
                | ~Q(state=RefundState.REJECTED) & Q(rejected_at__isnull=True),
                name="refund_rejected_has_time",
            ),
            models.CheckConstraint(
                condition=Q(reason=RefundReason.RECALL, recall__isnull=False)
                | ~Q(reason=RefundReason.RECALL) & Q(recall__isnull=True),
                name="refund_of_recall",
            ),
            models.CheckConstraint(
                condition=Q(review_due_at__isnull=True) | Q(redemption__isnull=False),
                name="refund_review_is_of_use",
            ),
            models.CheckConstraint(
                condition=Q(state=RefundState.PAID_OUT, paid_out_at__isnull=False)
                | (~Q(state=RefundState.PAID_OUT) & Q(paid_out_at__isnull=True, journal__isnull=True)),
                name="refund_paid_out_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant"],
                condition=Q(state=RefundState.PAID_OUT, journal__isnull=True, amount_fen__gt=0),
                name="refund_to_book",
            ),
            models.Index(fields=["merchant", "state", "-id"], name="refund_by_state"),
            models.Index(
                fields=["recall", "state"], condition=Q(recall__isnull=False), name="refund_by_recall"
            ),
            models.Index(fields=["redemption"], condition=Q(redemption__isnull=False), name="refund_by_use"),
            models.Index(
                fields=["merchant", "review_due_at"],
                condition=Q(state=RefundState.REQUESTED),
                name="refund_to_decide",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
