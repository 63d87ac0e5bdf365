"""Where money sits. Every account lives inside one merchant's book, so merchants share no row."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.models import Party
from ledger.enums import AccountBound, AccountKind


class LedgerAccount(models.Model):
    """An account of `kind` owed to `owner` in the book of merchant_id. Append-only by trigger."""

    merchant_id = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=AccountKind)
    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3, db_default="CNY", default="CNY")
    bound = models.CharField(max_length=1, choices=AccountBound, default=AccountBound.NONE)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Ledger account")
        verbose_name_plural = _("Ledger accounts")
        db_table = "ledger_account"
        constraints = [
            models.UniqueConstraint(
                fields=["merchant_id", "kind", "owner", "currency"], name="ledger_account_once"
            ),
            models.UniqueConstraint(fields=["merchant_id", "id", "currency"], name="ledger_account_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner_id}"


class Balance(models.Model):
    """The sums of an account (fen); written by the trigger of ledger_transfer alone."""

    account = models.OneToOneField(LedgerAccount, on_delete=models.PROTECT, primary_key=True)
    merchant_id = models.BigIntegerField()
    bound = models.CharField(max_length=1, choices=AccountBound)
    debits_fen = models.BigIntegerField(db_default=0)
    credits_fen = models.BigIntegerField(db_default=0)

    class Meta:
        verbose_name = _("Balance")
        verbose_name_plural = _("Balances")
        db_table = "ledger_balance"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(bound=AccountBound.NONE)
                | models.Q(bound=AccountBound.DEBITS, debits_fen__lte=models.F("credits_fen"))
                | models.Q(bound=AccountBound.CREDITS, credits_fen__lte=models.F("debits_fen")),
                name="ledger_balance_bound",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.debits_fen} / {self.credits_fen}"
