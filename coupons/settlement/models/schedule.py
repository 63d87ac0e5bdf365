"""How often a payee gets a statement."""

from django.db import models
from django_scopes import ScopedManager

from coupons.settlement.enums import PayeeKind, StatementCycle
from identity.models import Party
from merchants.models import Merchant


class StatementSchedule(models.Model):
    """A payee's own choice for one merchant's book; without a row: every day. What is stated already stays as it is."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    payee = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=PayeeKind)
    cycle = models.CharField(max_length=8, choices=StatementCycle, default=StatementCycle.DAILY)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "payee", "kind"], name="statement_schedule_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.payee_id} {self.cycle}"
