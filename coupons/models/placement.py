"""A link or card by which customers come to a deal."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import Entrance
from coupons.models.deal import Deal
from coupons.models.stock import StockPool
from identity.models import Party, User
from merchants.models import Merchant


class Placement(models.Model):
    """One link or card at an entrance; `token` stands in its address (?from=). Sells from `pool`, else the general one.

    `payee` gets `commission_bps` of each use of what is ordered by it, by `rule`, frozen into the order (OrderShare).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.CASCADE, related_name="placements")
    entrance = models.CharField(_("Entrance"), max_length=11, choices=Entrance)
    token = models.CharField(max_length=24, unique=True)
    label = models.CharField(_("Name"), max_length=60, blank=True, default="")
    pool = models.ForeignKey(
        StockPool, null=True, blank=True, on_delete=models.PROTECT, related_name="placements"
    )
    payee = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    commission_bps = models.SmallIntegerField(_("Commission"), null=True, blank=True)
    rule = models.CharField(max_length=60, blank=True, default="", db_default="")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Placement")
        verbose_name_plural = _("Placements")
        constraints = [
            models.CheckConstraint(
                condition=Q(token__regex=r"^[0-9A-Za-z_-]{8,24}$"),  # noqa: S106 - no secret
                name="placement_token",
            ),
            models.UniqueConstraint(fields=["merchant", "deal", "id"], name="placement_key"),
            models.CheckConstraint(
                condition=Q(payee__isnull=True, commission_bps__isnull=True, rule="")
                | Q(payee__isnull=False, commission_bps__range=(0, 5_000)) & ~Q(rule=""),
                name="placement_commission",
            ),
        ]
        indexes = [
            models.Index(fields=["payee"], condition=Q(payee__isnull=False), name="placement_by_payee"),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.entrance} {self.deal_id}"
