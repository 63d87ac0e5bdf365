"""Money on its way to a payee's bank: batches, payouts, and what the bank said."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.settlement.enums import (
    BankFileKind,
    PayeeKind,
    PayoutBatchState,
    PayoutState,
    Withheld,
)
from coupons.settlement.models.bank_account import BankAccount
from coupons.settlement.models.statement import Statement
from identity.models import Party, User
from ledger.models import Journal
from merchants.models import Merchant

HELD_STATES = ["approved", "sent", "paid", "failed"]
OPEN_STATES = ["proposed", "approved", "sent"]


def _who() -> "models.ForeignKey[User | None, User | None]":
    return models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)


class PayoutBatch(models.Model):
    """Payouts of many books in one currency: proposed by one operator, approved by another, sent to the bank in one file.

    The file is written once and kept as it was, encrypted (it holds whole account numbers).
    """

    number = models.CharField(_("Batch"), max_length=20, unique=True)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=PayoutBatchState, default=PayoutBatchState.PROPOSED)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField(db_default=Now())
    approved_by = _who()
    approved_at = models.DateTimeField(null=True)
    withdrawn_by = _who()
    withdrawn_at = models.DateTimeField(null=True)
    exported_by = _who()
    exported_at = models.DateTimeField(null=True)
    file_kind = models.CharField(max_length=4, choices=BankFileKind, blank=True, default="")
    file_encrypted = models.BinaryField(null=True)
    file_sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("Payout batch")
        verbose_name_plural = _("Payout batches")
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="payout_batch_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "withdrawn"], approved_by__isnull=True)
                | Q(state__in=["approved", "exported", "finished"], approved_by__isnull=False),
                name="payout_batch_approved",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["exported", "finished"], file_encrypted__isnull=False)
                | Q(state__in=["proposed", "approved", "withdrawn"], file_encrypted__isnull=True),
                name="payout_batch_file",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Payout(models.Model):
    """amount_fen > 0 of one book to one payee: the sum of the statements it pays. Its id is the bank's idempotency key.

    The version of the bank account is frozen when it is proposed. One is under way per book, payee and kind.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payouts")
    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="payouts", db_index=False)
    payee = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=PayeeKind)
    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_fen = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=PayoutState, default=PayoutState.PROPOSED)
    dropped = models.CharField(max_length=16, choices=Withheld, blank=True, default="")
    hold = models.OneToOneField(Journal, null=True, on_delete=models.PROTECT, related_name="+")
    result = models.OneToOneField(Journal, null=True, on_delete=models.PROTECT, related_name="+")
    bank_reference = models.CharField(_("Bank's reference"), max_length=80, blank=True, default="")
    failure = models.CharField(_("Why it came back"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Payout")
        verbose_name_plural = _("Payouts")
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "merchant", "payee", "kind"], name="payout_once_per_batch"
            ),
            models.UniqueConstraint(
                fields=["merchant", "payee", "kind"],
                condition=Q(state__in=OPEN_STATES),
                name="payout_one_under_way",
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=Q(state__in=HELD_STATES, hold__isnull=False)
                | Q(state__in=["proposed", "dropped"], hold__isnull=True),
                name="payout_held",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["paid", "failed"], result__isnull=False, finished_at__isnull=False)
                | Q(state__in=["proposed", "approved", "sent", "dropped"], result__isnull=True),
                name="payout_result",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="payout_of_merchant"),
            models.Index(fields=["payee", "-id"], name="payout_of_payee"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class PayoutItem(models.Model):
    """A statement a payout was made for; kept where the payout came back and the statement was paid by a later one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="items", db_index=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="payout_items")
    amount_fen = models.BigIntegerField()

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payout", "statement"], name="payout_item_once")]

    def __str__(self) -> str:
        return f"{self.payout_id} {self.statement_id}"


class PayoutResults(models.Model):
    """A file of the bank's answers, read and judged; applied whole or not at all."""

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="results")
    file_name = models.CharField(max_length=120)
    rows = models.JSONField()
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    uploaded_at = models.DateTimeField(db_default=Now())
    applied_by = _who()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Bank's answers")
        verbose_name_plural = _("Bank's answers")

    def __str__(self) -> str:
        return self.file_name
