"""What a payee is owed of a merchant's trade in a period, sealed."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.settlement.enums import PayeeKind, StatementState
from identity.models import Party, User
from merchants.models import Merchant


class Statement(models.Model):
    """The sums (fen) of its lines, what of them is the payee's, and a hash over all, linked to the one before.

    `merchant` is in whose book; `payee` that merchant, or who serves it. gross_fen is what was redeemed less refunded_fen,
    which was paid back after use (in refund_lines of its lines). Never edited: a trigger holds what is sealed.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="statements")
    payee = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=PayeeKind, default=PayeeKind.MERCHANT)
    number = models.CharField(max_length=24)
    period_start = models.DateField()
    period_end = models.DateField()
    lines_count = models.IntegerField()
    refund_lines = models.IntegerField(default=0, db_default=0)
    gross_fen = models.BigIntegerField()
    refunded_fen = models.BigIntegerField(default=0, db_default=0)
    platform_fee_fen = models.BigIntegerField()
    service_fee_fen = models.BigIntegerField()
    station_share_fen = models.BigIntegerField()
    commission_fen = models.BigIntegerField()
    merchant_fen = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    previous = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="next")
    hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=StatementState, default=StatementState.SEALED)
    sealed_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    # The payout that pays it or did; empty again where that one came back.
    payout = models.ForeignKey(
        "settlement.Payout", null=True, on_delete=models.PROTECT, related_name="statements"
    )
    dispute_reason = models.CharField(max_length=400, blank=True, default="")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Statement")
        verbose_name_plural = _("Statements")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "number"], name="statement_number_once"),
            models.UniqueConstraint(
                fields=["merchant", "payee", "kind"],
                condition=Q(previous__isnull=True),
                name="statement_one_first",
            ),
            models.CheckConstraint(
                condition=Q(kind=PayeeKind.MERCHANT, payee_id=F("merchant_id"), amount_fen=F("merchant_fen"))
                | Q(kind=PayeeKind.PROVIDER, amount_fen=F("service_fee_fen"))
                | Q(kind=PayeeKind.STATION, amount_fen=F("station_share_fen"))
                | Q(kind=PayeeKind.CREATOR, amount_fen=F("commission_fen")),
                name="statement_amount_of_its_payee",
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
            models.CheckConstraint(
                condition=Q(refunded_fen__gte=0, refund_lines__gte=0, refund_lines__lte=F("lines_count")),
                name="statement_refunds",
            ),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="statement_period"),
            models.CheckConstraint(
                condition=Q(payout__isnull=True, state__in=["sealed", "confirmed", "disputed"])
                | Q(payout__isnull=False, state__in=["confirmed", "paid"]),
                name="statement_paid_by_payout",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-period_start", "-id"], name="statement_by_period"),
            models.Index(fields=["payee", "-period_start", "-id"], name="statement_by_payee"),
            models.Index(
                fields=["merchant", "payee", "kind"],
                condition=Q(state="confirmed", payout__isnull=True),
                name="statement_payable",
            ),
            models.Index(fields=["sealed_at"], condition=Q(state="sealed"), name="statement_unanswered"),
        ]

    def __str__(self) -> str:
        return self.number
