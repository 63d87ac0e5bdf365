"""How far settlement has come with a merchant."""

from django.db import models
from django_scopes import ScopedManager

from merchants.models import Merchant


class SettlementProgress(models.Model):
    """Every redemption of the merchant with a smaller id than `settled_below` has its line or was reversed.

    So that a run need not look at what was settled long ago. It is exact and not "id > last seen": it never passes a
    redemption that waits, nor a moment at which a transaction that still runs may have minted an id.
    """

    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, primary_key=True, related_name="+")
    settled_below = models.BigIntegerField(default=0, db_default=0)

    objects = ScopedManager(merchant="merchant")

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.settled_below}"
