"""Where a payee is paid."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from identity.models import Party, User

TAIL_DIGITS = 4


class BankAccount(models.Model):
    """One version of a payee's account. A change is a new row; this one is never edited, only cancelled while it waits.

    In use is the newest that was not cancelled and whose waiting time is over. The whole number is encrypted: pages show
    its tail, only the file for the bank has all of it.
    """

    payee = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    holder = models.CharField(_("Account holder"), max_length=80)
    bank = models.CharField(_("Bank and branch"), max_length=80)
    number_encrypted = models.TextField()
    number_tail = models.CharField(pgettext_lazy("bank account", "Ends in"), max_length=TAIL_DIGITS)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    second_factor_at = models.DateTimeField()
    active_from = models.DateTimeField()
    cancelled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Bank account")
        verbose_name_plural = _("Bank accounts")
        constraints = [
            models.CheckConstraint(condition=Q(active_from__gt=F("requested_at")), name="bank_account_waits"),
            models.CheckConstraint(
                condition=Q(
                    second_factor_at__gte=F("requested_at") - timedelta(minutes=15),
                    second_factor_at__lte=F("requested_at") + timedelta(minutes=15),
                ),
                name="bank_account_second_factor",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True)
                | Q(cancelled_at__lt=F("active_from"), cancelled_by__isnull=False),
                name="bank_account_cancelled_in_time",
            ),
        ]
        indexes = [models.Index(fields=["payee", "-active_from"], name="bank_account_of_payee")]

    def __str__(self) -> str:
        return f"{self.bank} …{self.number_tail}"
