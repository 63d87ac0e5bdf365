"""How many pieces of a deal may be sold, held by unpaid orders, and were sold: in slots, so that buyers do not queue."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import Entrance, StockPoolKind
from coupons.models.deal import Deal
from merchants.models import Merchant


class StockPool(models.Model):
    """Pieces one kind of buyer may take: a deal's general pool, or what was allotted to an entrance or a session.

    `total` is what free, held and sold of its slots sum to; null means no end. Pieces move between pools, never appear.
    A closed pool sells nothing: what comes back to it goes on to the general pool.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="stock_pools")
    kind = models.CharField(max_length=8, choices=StockPoolKind, default=StockPoolKind.GENERAL)
    entrance = models.CharField(max_length=11, choices=Entrance, blank=True, default="")
    total = models.IntegerField(_("Stock"), null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Stock")
        verbose_name_plural = _("Stock")
        constraints = [
            models.UniqueConstraint(
                fields=["deal"], condition=Q(kind=StockPoolKind.GENERAL), name="stock_pool_general_once"
            ),
            models.UniqueConstraint(
                fields=["deal", "entrance"],
                condition=Q(kind=StockPoolKind.ENTRANCE, closed_at__isnull=True),
                name="stock_pool_entrance_once",
            ),
            models.CheckConstraint(
                condition=Q(kind=StockPoolKind.ENTRANCE) & ~Q(entrance="")
                | ~Q(kind=StockPoolKind.ENTRANCE) & Q(entrance=""),
                name="stock_pool_of_entrance_names_it",
            ),
            models.CheckConstraint(
                condition=Q(kind=StockPoolKind.GENERAL, closed_at__isnull=True)
                | ~Q(kind=StockPoolKind.GENERAL) & Q(total__isnull=False),
                name="stock_pool_allotment_has_end",
            ),
            models.CheckConstraint(
                condition=Q(total__isnull=True) | Q(total__gte=0), name="stock_pool_total"
            ),
            models.UniqueConstraint(fields=["merchant", "deal", "id"], name="stock_pool_key"),
        ]

    def __str__(self) -> str:
        return f"{self.deal_id} {self.kind} {self.entrance}"


class StockSlot(models.Model):
    """One part of a pool. An order takes all its pieces from one slot and gives them back there.

    `free` is null in a pool without end. Placing, paying and closing orders write this row and no other of the deal.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="+")
    pool = models.ForeignKey(StockPool, on_delete=models.CASCADE, related_name="slots")
    number = models.SmallIntegerField()
    free = models.IntegerField(null=True, blank=True)
    held = models.IntegerField(default=0, db_default=0)
    sold = models.IntegerField(default=0, db_default=0)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="stock_slot_once"),
            models.CheckConstraint(
                condition=(Q(free__isnull=True) | Q(free__gte=0)) & Q(held__gte=0, sold__gte=0),
                name="stock_slot_not_negative",
            ),
            models.UniqueConstraint(fields=["merchant", "deal", "id"], name="stock_slot_key"),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id}/{self.number}: {self.free} + {self.held} + {self.sold}"


class DealStock(models.Model):
    """A deal's stock summed over its pools and slots: a view, read only.

    `free` is what the general pool has left (null: no end); pieces allotted to sessions and entrances are in `total` only.
    """

    deal = models.OneToOneField(Deal, on_delete=models.DO_NOTHING, primary_key=True, related_name="stock")
    merchant = models.ForeignKey(Merchant, on_delete=models.DO_NOTHING, related_name="+")
    total = models.IntegerField(_("Stock"), null=True)
    held = models.IntegerField()
    sold = models.IntegerField()
    free = models.IntegerField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        managed = False
        db_table = "coupons_dealstock"

    def __str__(self) -> str:
        return f"{self.sold} + {self.held} / {self.total}"

    @property
    def left(self) -> int | None:
        """Pieces anybody can still order; None where there is no end."""
        return self.free
