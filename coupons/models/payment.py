"""Money coming in, what the payment provider told us, and the sandbox provider's own books."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import PaymentState
from coupons.models.order import Order
from ledger.models import Journal
from merchants.models import Merchant


class Payment(models.Model):
    """One attempt to pay an order. `reference` is ours, given to the provider; `journal` says it was booked."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=40, unique=True)
    provider_reference = models.CharField(max_length=80, blank=True, default="")
    amount_fen = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=PaymentState, default=PaymentState.CREATED)
    created_at = models.DateTimeField(db_default=Now())
    succeeded_at = models.DateTimeField(null=True)
    journal = models.ForeignKey(Journal, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Payment")
        verbose_name_plural = _("Payments")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="payment_amount"),
            models.CheckConstraint(
                condition=Q(state=PaymentState.SUCCEEDED, succeeded_at__isnull=False)
                | (~Q(state=PaymentState.SUCCEEDED) & Q(succeeded_at__isnull=True, journal__isnull=True)),
                name="payment_succeeded_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant"],
                condition=Q(state=PaymentState.SUCCEEDED, journal__isnull=True, amount_fen__gt=0),
                name="payment_to_book",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class PaymentNotification(models.Model):
    """What a provider told us, once per its event id, and what came of it; kept even where it changed nothing."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=80)
    payload = models.JSONField()
    outcome = models.CharField(max_length=30)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Payment notification")
        verbose_name_plural = _("Payment notifications")
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="payment_notification_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class SandboxCharge(models.Model):
    """The sandbox provider's own book: it lives on the other side of the port and knows no order of ours."""

    account = models.CharField(max_length=40, default="", db_default="")  # whose money: one per merchant
    reference = models.CharField(max_length=40, unique=True)
    amount_fen = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    subject = models.CharField(max_length=120)
    notify_url = models.CharField(max_length=200)
    return_url = models.CharField(max_length=200, blank=True, default="")
    paid_at = models.DateTimeField(null=True)
    refunded_fen = models.BigIntegerField(default=0)
    refund_keys = models.JSONField(default=dict)  # our refund id -> {fen, at}: asking twice pays once
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refunded_fen__gte=0, refunded_fen__lte=models.F("amount_fen")),
                name="sandbox_refund_at_most_charged",
            )
        ]
        indexes = [models.Index(fields=["account", "paid_at"], name="sandbox_charge_by_account")]

    def __str__(self) -> str:
        return self.reference
