"""Money back to the customer."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import RefundReason, RefundState
from coupons.models.coupon import Coupon
from coupons.models.order import Order
from coupons.models.payment import Payment
from identity.models import User
from ledger.models import Journal
from merchants.models import Merchant


class Refund(models.Model):
    """One coupon's money (or, with no coupon, a payment nobody may keep) going back, once.

    The row's id is the key under which the provider is asked, so that asking again pays once.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    coupon = models.ForeignKey(Coupon, null=True, on_delete=models.PROTECT, related_name="refunds")
    amount_fen = models.BigIntegerField()
    reason = models.CharField(max_length=16, choices=RefundReason)
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.REQUESTED)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    approved_at = models.DateTimeField(null=True)
    paid_out_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True, default="")
    journal = models.ForeignKey(Journal, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Refund")
        verbose_name_plural = _("Refunds")
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"], condition=Q(coupon__isnull=False), name="refund_once_per_coupon"
            ),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(coupon__isnull=True), name="refund_once_per_payment"
            ),
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="refund_amount"),
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
            models.Index(
                fields=["merchant"],
                condition=Q(state__in=[RefundState.REQUESTED, RefundState.APPROVED, RefundState.FAILED]),
                name="refund_open",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
