"""Days summed up, so that a page costs the same however much was redeemed. Copies of the truth, never the truth.

A day counts as summed while `rolled_at` is set; else its rows are read themselves. Triggers take `rolled_at` away in
the transaction that changes the day; docs/adr/0014 says why the sums are exact. Amounts are fen.
"""

from django.db import models
from django.db.models import Q
from django_scopes import ScopedManager

from merchants.models import Merchant, Store


class RolledDay(models.Model):
    """What both kinds of days need. `fence`: transactions from this one on cannot change the day unseen.

    `touched_by` is the last transaction that changed the day late: it need not say so a second time.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+", db_index=False)
    date = models.DateField()
    fence = models.BigIntegerField(null=True)
    touched_by = models.BigIntegerField(null=True)
    rolled_at = models.DateTimeField(null=True)
    uses = models.IntegerField(default=0, db_default=0)
    fen = models.BigIntegerField(default=0, db_default=0)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.date}"


class RedeemedDay(RolledDay):
    """A business date of a merchant: `uses` and `fen` stand, the others were undone."""

    undone = models.IntegerField(default=0, db_default=0)
    undone_fen = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "date"], name="redeemed_day_once")]
        indexes = [
            models.Index(
                fields=["merchant", "date"], condition=Q(rolled_at__isnull=True), name="redeemed_day_to_roll"
            )
        ]


class RedeemedStoreDay(models.Model):
    """A store's part of a RedeemedDay; holds only while that is summed."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+", db_index=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    date = models.DateField()
    uses = models.IntegerField()
    fen = models.BigIntegerField()
    undone = models.IntegerField()
    undone_fen = models.BigIntegerField()

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "date", "store"], name="redeemed_store_day_once")
        ]
        indexes = [models.Index(fields=["store", "date"], name="redeemed_store_day_by_store")]

    def __str__(self) -> str:
        return f"{self.store_id} {self.date}"


class SoldDay(RolledDay):
    """A day of a merchant in `zone`: orders paid and what was paid for them, whatever was refunded later."""

    zone = models.CharField(max_length=40, default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "date"], name="sold_day_once")]
        indexes = [
            models.Index(
                fields=["merchant", "date"], condition=Q(rolled_at__isnull=True), name="sold_day_to_roll"
            )
        ]
