"""A merchant that a station brought in."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from identity.models import User
from merchants.models import Merchant
from providers.enums import StationMerchantState
from providers.models.station import Station


class StationMerchant(models.Model):
    """The station looks after the merchant for `share_bps` of each use, offered by the station and agreed by the merchant.

    While it is active the share stands in the merchant's Terms; it opens nothing of the shop to the station's people.
    """

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="merchants")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="stations")
    share_bps = models.SmallIntegerField(_("Station share"))
    note = models.CharField(
        pgettext_lazy("station", "What the station does"), max_length=200, blank=True, default=""
    )
    state = models.CharField(
        _("State"), max_length=9, choices=StationMerchantState, default=StationMerchantState.PROPOSED
    )
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField(db_default=Now())
    answered_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Merchant of a station")
        verbose_name_plural = _("Merchants of stations")
        constraints = [
            models.UniqueConstraint(
                fields=["station", "merchant"],
                condition=Q(state__in=[StationMerchantState.PROPOSED, StationMerchantState.ACTIVE]),
                name="station_merchant_once",
            ),
            models.UniqueConstraint(
                fields=["merchant"],
                condition=Q(state=StationMerchantState.ACTIVE),
                name="station_merchant_of_one",
            ),
            models.CheckConstraint(condition=Q(share_bps__range=(0, 3_000)), name="station_merchant_share"),
            models.CheckConstraint(
                condition=Q(state=StationMerchantState.PROPOSED, answered_at__isnull=True)
                | ~Q(state=StationMerchantState.PROPOSED)
                & Q(answered_at__isnull=False, answered_by__isnull=False),
                name="station_merchant_answered",
            ),
            models.CheckConstraint(
                condition=~Q(state=StationMerchantState.ACTIVE) | ~Q(answered_by=F("proposed_by")),
                name="station_merchant_by_another",
            ),
            models.CheckConstraint(
                condition=Q(state=StationMerchantState.ENDED, ended_at__isnull=False)
                | ~Q(state=StationMerchantState.ENDED) & Q(ended_at__isnull=True),
                name="station_merchant_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.merchant_id}"
