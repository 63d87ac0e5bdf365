"""What happened to money: a journal holds transfers, one row each, so an unbalanced entry cannot be written."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ledger.enums import JournalKind
from ledger.models.account import LedgerAccount


class Journal(models.Model):
    """One booking, once per (merchant, source). Append-only by trigger; corrections are new journals."""

    merchant_id = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=JournalKind)
    source = models.CharField(max_length=80)
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Journal")
        verbose_name_plural = _("Journals")
        db_table = "ledger_journal"
        constraints = [
            models.UniqueConstraint(fields=["merchant_id", "source"], name="ledger_journal_once"),
            models.UniqueConstraint(fields=["merchant_id", "id"], name="ledger_journal_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class Transfer(models.Model):
    """amount_fen > 0 from the credit account's side to the debit account's; tenant and currency by composite keys."""

    merchant_id = models.BigIntegerField()
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="transfers")
    line = models.IntegerField()
    debit_account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="debits")
    credit_account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="credits")
    amount_fen = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        verbose_name = _("Transfer")
        verbose_name_plural = _("Transfers")
        db_table = "ledger_transfer"
        constraints = [
            models.UniqueConstraint(fields=["journal", "line"], name="ledger_transfer_once"),
            models.CheckConstraint(condition=models.Q(amount_fen__gt=0), name="ledger_transfer_positive"),
            models.CheckConstraint(
                condition=~models.Q(debit_account=models.F("credit_account")),
                name="ledger_transfer_two_accounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.journal_id}/{self.line}: {self.amount_fen}"
