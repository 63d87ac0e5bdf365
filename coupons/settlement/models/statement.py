"""What a merchant is owed for a day, sealed."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.settlement.enums import StatementState
from identity.models import User
from merchants.models import Merchant


class Statement(models.Model):
    """The sums (fen) of its lines and a hash over them, linked to the statement before. Never edited."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="statements")
    number = models.CharField(max_length=24)
    period_start = models.DateField()
    period_end = models.DateField()
    lines_count = models.IntegerField()
    gross_fen = models.BigIntegerField()
    platform_fee_fen = models.BigIntegerField()
    service_fee_fen = models.BigIntegerField()
    station_share_fen = models.BigIntegerField()
    commission_fen = models.BigIntegerField()
    merchant_fen = models.BigIntegerField()
    previous = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="next")
    hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=StatementState, default=StatementState.SEALED)
    sealed_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    dispute_reason = models.CharField(max_length=400, blank=True, default="")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Statement")
        verbose_name_plural = _("Statements")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "number"], name="statement_number_once"),
            models.UniqueConstraint(
                fields=["merchant"], condition=Q(previous__isnull=True), name="statement_one_first"
            ),
            models.CheckConstraint(
                condition=Q(
                    gross_fen=F("platform_fee_fen")
                    + F("service_fee_fen")
                    + F("station_share_fen")
                    + F("commission_fen")
                    + F("merchant_fen")
                ),
                name="statement_adds_up",
            ),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="statement_period"),
        ]
        indexes = [models.Index(fields=["merchant", "-period_start", "-id"], name="statement_by_period")]

    def __str__(self) -> str:
        return self.number
