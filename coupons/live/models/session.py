"""A live stream that sells: when, who, which deals, how many pieces of each."""

import secrets

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.live.enums import LiveState
from coupons.models import Deal, Placement, StockPool
from identity.models import User
from merchants.models import Merchant


def new_card_token() -> str:
    return secrets.token_urlsafe(12)


class LiveSession(models.Model):
    """`token` stands in the address of the live card; `goal_fen` is what the merchant hopes to sell.

    `host` is a colleague where he signs in here; `host_name` is what viewers read.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="live_sessions")
    title = models.CharField(_("Name of the session"), max_length=60)
    host_name = models.CharField(_("Host"), max_length=40)
    host = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    place = models.CharField(_("Where it is streamed"), max_length=80, blank=True, default="")
    planned_from = models.DateTimeField(_("Planned from"))
    planned_until = models.DateTimeField(_("Planned until"))
    goal_fen = models.BigIntegerField(_("Goal"), null=True, blank=True)
    token = models.CharField(max_length=24, unique=True, default=new_card_token)
    state = models.CharField(max_length=9, choices=LiveState, default=LiveState.PLANNED)
    version = models.IntegerField(default=1)  # counts saves; an editor that saw an older one is told
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)  # of a cancelled one: when it was cancelled

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Live session")
        verbose_name_plural = _("Live sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(planned_until__gt=F("planned_from")), name="live_session_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=Q(goal_fen__isnull=True) | Q(goal_fen__gt=0), name="live_session_goal"
            ),
            models.CheckConstraint(
                condition=Q(state=LiveState.PLANNED, started_at__isnull=True, ended_at__isnull=True)
                | Q(state=LiveState.LIVE, started_at__isnull=False, ended_at__isnull=True)
                | Q(state=LiveState.ENDED, started_at__isnull=False, ended_at__gte=F("started_at"))
                | Q(state=LiveState.CANCELLED, started_at__isnull=True, ended_at__isnull=False),
                name="live_session_state_has_times",
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="live_session_key"),
        ]
        indexes = [
            models.Index(fields=["merchant", "-planned_from", "-id"], name="live_session_by_time"),
        ]

    def __str__(self) -> str:
        return self.title


class LiveSessionDeal(models.Model):
    """A deal of a session: `pieces` were moved into `pool` when it was planned, and `placement` sells from there.

    `is_live` is true exactly while the session is live: a deal is in one live session at a time. `returned` is what
    went back to the deal's general pool when the session was over.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="deals")
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="live_deals")
    position = models.SmallIntegerField(default=0)
    pieces = models.IntegerField(_("Pieces"))
    pool = models.OneToOneField(StockPool, on_delete=models.PROTECT, related_name="live_deal")
    placement = models.OneToOneField(Placement, on_delete=models.PROTECT, related_name="live_deal")
    is_live = models.BooleanField(default=False)
    returned = models.IntegerField(null=True, blank=True)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "deal"], name="live_deal_once"),
            models.UniqueConstraint(
                fields=["deal"], condition=Q(is_live=True), name="live_deal_in_one_live_session"
            ),
            models.CheckConstraint(condition=Q(pieces__gte=1), name="live_deal_pieces"),
            models.UniqueConstraint(fields=["merchant", "id"], name="live_deal_key"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.deal_id}"
