"""Who is owed what of one redemption."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.models import Coupon, Deal, Redemption
from coupons.settlement.enums import LineState
from coupons.settlement.models.statement import Statement
from ledger.models import Journal
from merchants.models import Merchant, Store


class SettlementBatch(models.Model):
    """One run over one merchant: the redemptions it took and the journal it wrote, in one transaction."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    journal = models.OneToOneField(Journal, null=True, on_delete=models.PROTECT, related_name="+")
    lines = models.IntegerField()
    gross_fen = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Settlement run")
        verbose_name_plural = _("Settlement runs")

    def __str__(self) -> str:
        return str(self.pk)


class SettlementLine(models.Model):
    """Unique per redemption; the parts sum to the gross, held by the database. All amounts are fen."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="settlement_lines")
    batch = models.ForeignKey(SettlementBatch, on_delete=models.PROTECT, related_name="line_set")
    redemption = models.OneToOneField(Redemption, on_delete=models.PROTECT, related_name="settlement_line")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    gross_fen = models.BigIntegerField()
    platform_fee_fen = models.BigIntegerField(default=0)
    service_fee_fen = models.BigIntegerField(default=0)
    station_share_fen = models.BigIntegerField(default=0)
    commission_fen = models.BigIntegerField(default=0)
    merchant_fen = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=LineState, default=LineState.DUE)
    statement = models.ForeignKey(Statement, null=True, on_delete=models.PROTECT, related_name="lines")
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Settlement line")
        verbose_name_plural = _("Settlement lines")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    gross_fen=F("platform_fee_fen")
                    + F("service_fee_fen")
                    + F("station_share_fen")
                    + F("commission_fen")
                    + F("merchant_fen")
                ),
                name="settlement_line_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    gross_fen__gte=0,
                    platform_fee_fen__gte=0,
                    service_fee_fen__gte=0,
                    station_share_fen__gte=0,
                    commission_fen__gte=0,
                    merchant_fen__gte=0,
                ),
                name="settlement_line_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(state=LineState.DUE, statement__isnull=True)
                | (~Q(state=LineState.DUE) & Q(statement__isnull=False)),
                name="settlement_line_in_statement",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "business_date"],
                condition=Q(statement__isnull=True),
                name="line_to_state",
            ),
            models.Index(fields=["statement", "business_date", "id"], name="line_by_statement"),
        ]

    def __str__(self) -> str:
        return str(self.redemption_id)
