"""How often a session's cards were opened."""

from django.db import models
from django.db.models import Q
from django_scopes import ScopedManager

from coupons.live.models.session import LiveSession, LiveSessionDeal
from merchants.models import Merchant


class LiveOpening(models.Model):
    """Openings of one card within one minute, added from Redis every few seconds; without a deal, the session's page.

    What Redis loses is lost here: a hint, never an amount.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="openings")
    live_deal = models.ForeignKey(
        LiveSessionDeal, null=True, on_delete=models.CASCADE, related_name="openings"
    )
    minute = models.DateTimeField()
    count = models.IntegerField()

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "live_deal", "minute"], nulls_distinct=False, name="live_opening_once"
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="live_opening_count"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.live_deal_id} {self.minute:%H:%M}: {self.count}"
