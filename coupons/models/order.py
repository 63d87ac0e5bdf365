"""What a customer bought, with everything frozen that later changes must not touch."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import Entrance, OrderCloseReason, OrderSource, OrderState
from coupons.models.deal import Deal
from coupons.models.placement import Placement
from coupons.models.stock import StockSlot
from identity.models import Customer, Party
from merchants.enums import ShareKind
from merchants.models import Merchant


class Order(models.Model):
    """`quantity` coupons of one deal at unit_price_fen each. `terms` are the deal's rules when it was placed."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="orders")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="orders")
    quantity = models.SmallIntegerField()
    unit_price_fen = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    terms = models.JSONField()
    source = models.CharField(max_length=10, choices=OrderSource, default=OrderSource.SHOP)
    stock_slot = models.ForeignKey(StockSlot, on_delete=models.PROTECT, related_name="+", db_index=False)
    placement = models.ForeignKey(
        Placement, null=True, blank=True, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    entrance = models.CharField(
        _("Entrance"), max_length=11, choices=Entrance, blank=True, default="", db_default=""
    )
    state = models.CharField(max_length=10, choices=OrderState, default=OrderState.CREATED)
    paid_fen = models.BigIntegerField(default=0, db_default=0)
    refunded_fen = models.BigIntegerField(default=0, db_default=0)
    placed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=10, choices=OrderCloseReason, blank=True, default="")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Order")
        verbose_name_plural = _("Orders")
        constraints = [
            models.CheckConstraint(condition=Q(quantity__range=(1, 10)), name="order_quantity"),
            models.CheckConstraint(
                condition=Q(unit_price_fen__gte=0, total_fen=F("unit_price_fen") * F("quantity")),
                name="order_total",
            ),
            models.CheckConstraint(
                condition=Q(refunded_fen__gte=0, refunded_fen__lte=F("paid_fen")),
                name="order_refund_at_most_paid",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[OrderState.CREATED, OrderState.CLOSED], paid_at__isnull=True)
                | Q(state__in=[OrderState.PAID, OrderState.COMPLETED], paid_at__isnull=False),
                name="order_paid_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state=OrderState.CLOSED, closed_at__isnull=False)
                | (~Q(state=OrderState.CLOSED) & Q(closed_at__isnull=True)),
                name="order_closed_has_time",
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="order_key"),
        ]
        indexes = [
            models.Index(fields=["merchant", "-placed_at"], name="order_by_merchant"),
            models.Index(fields=["customer", "-placed_at"], name="order_by_customer"),
            models.Index(  # a day's sums without its rows
                fields=["merchant", "paid_at"],
                condition=Q(paid_at__isnull=False),
                include=["paid_fen"],
                name="order_paid_by_time",
            ),
            models.Index(
                fields=["placement", "placed_at"],
                condition=Q(placement__isnull=False),
                name="order_by_placement",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class OrderShare(models.Model):
    """Who gets how much (bps) of each use, frozen when the order was placed; the merchant takes the rest."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="shares")
    payee = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=14, choices=ShareKind)
    bps = models.IntegerField()
    rule = models.CharField(max_length=60)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Share")
        verbose_name_plural = _("Shares")
        constraints = [
            models.UniqueConstraint(fields=["order", "kind"], name="order_share_once"),
            models.CheckConstraint(condition=Q(bps__range=(0, 10_000)), name="order_share_bps"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.kind} {self.bps}"
