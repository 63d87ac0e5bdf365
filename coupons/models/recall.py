"""A merchant takes back what he sold: every unused coupon of a deal, or of one link to it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.enums import RecallState
from coupons.models.deal import Deal
from coupons.models.placement import Placement
from identity.models import User
from merchants.models import Merchant


class Recall(models.Model):
    """Coupons of `deal` (of `placement` only, where it names one) issued before `issued_before`, in chunks by job.

    `expected_*` are what was counted when it began; `coupons`, of them `voided`, and `amount_fen` what was locked so far.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="recalls")
    placement = models.ForeignKey(
        Placement, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    issued_before = models.DateTimeField()
    words = models.CharField(_("What customers read"), max_length=200)
    expected_coupons = models.IntegerField()
    expected_fen = models.BigIntegerField()
    coupons = models.IntegerField(default=0, db_default=0)
    voided = models.IntegerField(default=0, db_default=0)
    amount_fen = models.BigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=7, choices=RecallState, default=RecallState.RUNNING)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Recall")
        verbose_name_plural = _("Recalls")
        constraints = [
            models.UniqueConstraint(
                fields=["deal"], condition=Q(state=RecallState.RUNNING), name="recall_of_deal_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(expected_coupons__gte=1, coupons__gte=0, voided__range=(0, F("coupons"))),
                name="recall_counts",
            ),
            models.CheckConstraint(
                condition=Q(state=RecallState.DONE, done_at__isnull=False)
                | ~Q(state=RecallState.DONE) & Q(done_at__isnull=True),
                name="recall_done_has_time",
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="recall_key"),
        ]

    def __str__(self) -> str:
        return f"{self.deal_id} {self.requested_at:%Y-%m-%d}"
