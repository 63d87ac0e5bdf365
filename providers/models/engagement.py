"""What a provider and a merchant agreed about running the merchant's shop."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from identity.enums import Scope
from identity.models import Party, User
from merchants.models import Merchant, Terms
from providers.enums import EndReason, EngagementState, OfferState
from providers.models.provider import Provider


class Engagement(models.Model):
    """A provider works for a merchant as its last agreed offer says; while a change is proposed that one holds.

    `scopes` and `store_ids` (null: all stores) are what is granted now: the offer's, less what the merchant took back
    since. `terms` is the service fee agreed, null for none.
    """

    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, related_name="engagements", db_index=False
    )
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="engagements")
    state = models.CharField(
        _("State"), max_length=8, choices=EngagementState, default=EngagementState.PROPOSED
    )
    scopes = ArrayField(
        models.CharField(max_length=12, choices=Scope), default=list, db_default=[], blank=True
    )
    store_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    terms = models.ForeignKey(
        Terms, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    at_least_until = models.DateField(_("At least until"), null=True, blank=True)
    proposed_at = models.DateTimeField(db_default=Now())
    active_at = models.DateTimeField(_("Since"), null=True)
    ended_at = models.DateTimeField(_("Ended at"), null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    end_reason = models.CharField(max_length=8, choices=EndReason, blank=True, default="", db_default="")

    class Meta:
        verbose_name = pgettext_lazy("provider", "Engagement")
        verbose_name_plural = pgettext_lazy("provider", "Engagements")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "merchant"],
                condition=~Q(state=EngagementState.ENDED),
                name="engagement_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state=EngagementState.ENDED, ended_at__isnull=False, scopes=[]) & ~Q(end_reason="")
                )
                | (~Q(state=EngagementState.ENDED) & Q(ended_at__isnull=True, end_reason="")),
                name="engagement_ended",
            ),
            models.CheckConstraint(
                condition=Q(state=EngagementState.PROPOSED, active_at__isnull=True, scopes=[])
                | Q(state__in=[EngagementState.ACTIVE, EngagementState.CHANGING], active_at__isnull=False)
                | Q(state=EngagementState.ENDED),
                name="engagement_active_since",
            ),
        ]
        indexes = [models.Index(fields=["provider", "state"], name="engagement_of_provider")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.merchant_id}"


class EngagementOffer(models.Model):
    """One version of an engagement: what may be done where, for what fee, at least how long. Never changed, only answered."""

    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="offers", db_index=False
    )
    version = models.SmallIntegerField(_("Version"))
    state = models.CharField(_("State"), max_length=9, choices=OfferState, default=OfferState.PROPOSED)
    scopes = ArrayField(models.CharField(max_length=12, choices=Scope))
    store_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    service_fee_bps = models.SmallIntegerField(_("Service fee"))
    at_least_until = models.DateField(_("At least until"), null=True, blank=True)
    note = models.CharField(pgettext_lazy("engagement", "Why"), max_length=200, blank=True, default="")
    proposed_for = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField(db_default=Now())
    answered_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Offer")
        verbose_name_plural = _("Offers")
        constraints = [
            models.UniqueConstraint(fields=["engagement", "version"], name="engagement_offer_version"),
            models.UniqueConstraint(
                fields=["engagement"],
                condition=Q(state=OfferState.PROPOSED),
                name="engagement_one_offer_open",
            ),
            models.CheckConstraint(
                condition=Q(service_fee_bps__range=(0, 5_000), version__gte=1) & ~Q(scopes=[]),
                name="engagement_offer_whole",
            ),
            models.CheckConstraint(
                condition=Q(state=OfferState.PROPOSED, answered_at__isnull=True)
                | (~Q(state=OfferState.PROPOSED) & Q(answered_at__isnull=False, answered_by__isnull=False)),
                name="engagement_offer_answered",
            ),
            models.CheckConstraint(
                condition=~Q(state=OfferState.AGREED) | ~Q(answered_by=F("proposed_by")),
                name="engagement_agreed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engagement_id} v{self.version}"
