"""Days on which orders, the providers' bills and the ledger were laid side by side, and where they do not agree."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.models import Order, Payment
from coupons.settlement.enums import BreakCause, BreakKind, BreakState
from coupons.settlement.models.bill import BillEntry
from identity.models import User
from ledger.models import Journal
from merchants.models import Merchant


class ReconciliationRun(models.Model):
    """The newest match of a merchant's local day: what each side says (fen), and how many payments agree everywhere.

    `is_billed` tells whether a bill covers every provider that moved money that day; without, only books and ledger are
    compared.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    is_billed = models.BooleanField()
    payments_count = models.IntegerField(default=0)
    payments_fen = models.BigIntegerField(default=0)
    billed_payments_fen = models.BigIntegerField(default=0)
    booked_payments_fen = models.BigIntegerField(default=0)
    refunds_count = models.IntegerField(default=0)
    refunds_fen = models.BigIntegerField(default=0)
    billed_refunds_fen = models.BigIntegerField(default=0)
    booked_refunds_fen = models.BigIntegerField(default=0)
    matched = models.IntegerField(default=0)
    ran_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Reconciliation of a day")
        verbose_name_plural = _("Reconciliations of days")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "day"], name="reconciliation_run_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="reconciliation_run_key"),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.day}"


class Break(models.Model):
    """One thing that does not agree. What it says never changes; once it is explained, adjusted or gone, nothing does.

    `expected_fen` is what our books say, `found_fen` what the other side says. `clearing_fen` is what an adjustment moves:
    above zero where the provider holds more of ours than the ledger knows, zero where there is nothing to book.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="breaks")
    day = models.DateField()
    kind = models.CharField(max_length=20, choices=BreakKind)
    cause = models.CharField(max_length=20, choices=BreakCause)
    reference = models.CharField(max_length=100)
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey(BillEntry, null=True, on_delete=models.PROTECT, related_name="+")
    expected_fen = models.BigIntegerField()
    found_fen = models.BigIntegerField()
    clearing_fen = models.BigIntegerField()
    found_at = models.DateTimeField(db_default=Now())
    owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=BreakState, default=BreakState.OPEN)
    explanation = models.CharField(max_length=400, blank=True, default="", db_default="")
    resolved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    journal = models.OneToOneField(Journal, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Difference")
        verbose_name_plural = _("Differences")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "day", "kind", "reference", "expected_fen", "found_fen"],
                condition=~Q(state=BreakState.CLEARED),
                name="break_once",
            ),
            models.CheckConstraint(
                condition=Q(state=BreakState.OPEN, resolved_at__isnull=True, resolved_by__isnull=True)
                | Q(state=BreakState.CLEARED, resolved_at__isnull=False, resolved_by__isnull=True)
                | (
                    Q(state__in=[BreakState.EXPLAINED, BreakState.ADJUSTED])
                    & Q(resolved_at__isnull=False, resolved_by__isnull=False)
                    & ~Q(explanation="")
                ),
                name="break_resolved_by_somebody_with_words",
            ),
            models.CheckConstraint(
                condition=Q(state=BreakState.ADJUSTED, journal__isnull=False) & ~Q(clearing_fen=0)
                | ~Q(state=BreakState.ADJUSTED) & Q(journal__isnull=True),
                name="break_adjusted_by_a_journal",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "day"], condition=Q(state=BreakState.OPEN), name="break_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
