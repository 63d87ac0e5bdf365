"""What a payment provider says it moved: its bills, kept as they came."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.settlement.enums import BillEntryKind
from identity.models import User
from merchants.models import Merchant


class ProviderBill(models.Model):
    """One bill of a merchant's provider over whole local days, imported once: the same content twice changes nothing.

    `imported_by` is null where the product fetched it itself. A bill is never edited; a corrected one of the provider
    replaces it (`replaced_by`), and then its entries count no more. Amounts are fen.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=20)
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    first_day = models.DateField()
    last_day = models.DateField()
    payments_count = models.IntegerField()
    payments_fen = models.BigIntegerField()
    refunds_count = models.IntegerField()
    refunds_fen = models.BigIntegerField()
    imported_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(db_default=Now())
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="replaces")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Bill of a payment provider")
        verbose_name_plural = _("Bills of payment providers")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "provider", "sha256"], name="bill_once"),
            models.UniqueConstraint(fields=["merchant", "id"], name="bill_key"),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="bill_days"),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "last_day"], condition=Q(replaced_by__isnull=True), name="bill_standing"
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class BillEntry(models.Model):
    """One amount of a bill. `reference` is ours or the provider's number of the payment; `refund_reference` our refund's
    id where the bill names it. Append-only by trigger."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    bill = models.ForeignKey(ProviderBill, on_delete=models.PROTECT, related_name="entries")
    row_number = models.IntegerField()
    kind = models.CharField(max_length=10, choices=BillEntryKind)
    reference = models.CharField(max_length=80)
    refund_reference = models.CharField(max_length=80, blank=True, default="")
    amount_fen = models.BigIntegerField()
    happened_at = models.DateTimeField()
    business_date = models.DateField()

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gt=0), name="bill_entry_positive")]
        indexes = [
            models.Index(fields=["merchant", "business_date"], name="bill_entry_by_day"),
            models.Index(fields=["merchant", "reference"], name="bill_entry_by_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class BillUpload(models.Model):
    """A file somebody gave, looked at and not yet imported; `bill` says what it became, and then `content` is empty."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=20)
    file_name = models.CharField(max_length=120)
    content = models.BinaryField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    bill = models.ForeignKey(ProviderBill, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager(merchant="merchant")

    def __str__(self) -> str:
        return self.file_name
