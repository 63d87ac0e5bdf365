"""Who is owed what of one use of a coupon, and who gives back what where its customer is refunded afterwards."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.models import Coupon, Deal, Redemption, Refund
from coupons.settlement.enums import LineState, StatementState
from coupons.settlement.models.statement import Statement
from identity.models import Party
from ledger.models import Journal
from merchants.models import Merchant, Store


class SettlementBatch(models.Model):
    """One run over one merchant: the uses and refunds it took and the journal it wrote, in one transaction."""

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


def _payee() -> "models.ForeignKey[Party | None, Party | None]":
    return models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )


def _statement(related_name: str) -> "models.ForeignKey[Statement | None, Statement | None]":
    return models.ForeignKey(
        Statement, null=True, on_delete=models.PROTECT, related_name=related_name, db_index=False
    )


class SettlementLine(models.Model):
    """Of a redemption (amounts >= 0) or of a refund after use (amounts <= 0), once each; the parts sum to the gross.

    All amounts are fen. The rates are copied from the order's shares, so a line says by itself how it came about. Written
    once and never changed; only the statements it is in, one for each payee, are added. All held by the database.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="settlement_lines")
    batch = models.ForeignKey(SettlementBatch, on_delete=models.PROTECT, related_name="line_set")
    redemption = models.OneToOneField(
        Redemption, null=True, on_delete=models.PROTECT, related_name="settlement_line"
    )
    refund = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="settlement_line")
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    gross_fen = models.BigIntegerField()
    platform_fee_bps = models.SmallIntegerField(default=0)
    service_fee_bps = models.SmallIntegerField(default=0)
    station_share_bps = models.SmallIntegerField(default=0)
    commission_bps = models.SmallIntegerField(default=0)
    platform_payee = _payee()
    service_payee = _payee()
    station_payee = _payee()
    commission_payee = _payee()
    platform_fee_fen = models.BigIntegerField(default=0)
    service_fee_fen = models.BigIntegerField(default=0)
    station_share_fen = models.BigIntegerField(default=0)
    commission_fen = models.BigIntegerField(default=0)
    merchant_fen = models.BigIntegerField()
    statement = models.ForeignKey(Statement, null=True, on_delete=models.PROTECT, related_name="lines")
    service_statement = _statement("service_lines")
    station_statement = _statement("station_lines")
    commission_statement = _statement("commission_lines")
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Settlement line")
        verbose_name_plural = _("Settlement lines")
        constraints = [
            models.CheckConstraint(
                condition=Q(redemption__isnull=False, refund__isnull=True)
                | Q(redemption__isnull=True, refund__isnull=False),
                name="settlement_line_of_one",
            ),
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
                    refund__isnull=True,
                    gross_fen__gte=0,
                    platform_fee_fen__gte=0,
                    service_fee_fen__gte=0,
                    station_share_fen__gte=0,
                    commission_fen__gte=0,
                    merchant_fen__gte=0,
                )
                | Q(
                    refund__isnull=False,
                    gross_fen__lte=0,
                    platform_fee_fen__lte=0,
                    service_fee_fen__lte=0,
                    station_share_fen__lte=0,
                    commission_fen__lte=0,
                    merchant_fen__lte=0,
                ),
                name="settlement_line_sign",
            ),
            models.CheckConstraint(
                condition=Q(
                    platform_fee_bps__gte=0,
                    service_fee_bps__gte=0,
                    station_share_bps__gte=0,
                    commission_bps__gte=0,
                    merchant_fen__isnull=False,
                )
                & Q(
                    platform_fee_bps__lte=10_000
                    - F("service_fee_bps")
                    - F("station_share_bps")
                    - F("commission_bps")
                ),
                name="settlement_line_rates",
            ),
            models.CheckConstraint(
                condition=(Q(platform_payee__isnull=False) | Q(platform_fee_fen=0))
                & (Q(service_payee__isnull=False) | Q(service_fee_fen=0))
                & (Q(station_payee__isnull=False) | Q(station_share_fen=0))
                & (Q(commission_payee__isnull=False) | Q(commission_fen=0)),
                name="settlement_line_payees",
            ),
            models.CheckConstraint(
                condition=(Q(service_payee__isnull=False) | Q(service_statement__isnull=True))
                & (Q(station_payee__isnull=False) | Q(station_statement__isnull=True))
                & (Q(commission_payee__isnull=False) | Q(commission_statement__isnull=True)),
                name="settlement_line_stated_to_payee",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "business_date"],
                condition=Q(statement__isnull=True),
                name="line_to_state",
            ),
            models.Index(
                fields=["merchant", "service_payee", "business_date"],
                condition=Q(service_payee__isnull=False, service_statement__isnull=True),
                name="line_to_state_service",
            ),
            models.Index(
                fields=["merchant", "station_payee", "business_date"],
                condition=Q(station_payee__isnull=False, station_statement__isnull=True),
                name="line_to_state_station",
            ),
            models.Index(
                fields=["merchant", "commission_payee", "business_date"],
                condition=Q(commission_payee__isnull=False, commission_statement__isnull=True),
                name="line_to_state_commission",
            ),
            models.Index(fields=["statement", "business_date", "id"], name="line_by_statement"),
            models.Index(
                fields=["service_statement"],
                condition=Q(service_statement__isnull=False),
                name="line_by_service_statement",
            ),
            models.Index(
                fields=["station_statement"],
                condition=Q(station_statement__isnull=False),
                name="line_by_station_statement",
            ),
            models.Index(
                fields=["commission_statement"],
                condition=Q(commission_statement__isnull=False),
                name="line_by_commission_statement",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def use(self) -> Redemption:
        """The redemption that is settled, or whose money went back."""
        use = self.redemption if self.refund is None else self.refund.redemption
        assert use is not None  # noqa: S101 - held by settlement_guard_line
        return use

    @property
    def state(self) -> LineState:
        """Where the merchant's part stands; worked out, never stored."""
        if self.statement is None:
            return LineState.DUE
        return LineState.PAID if self.statement.state == StatementState.PAID else LineState.IN_STATEMENT
