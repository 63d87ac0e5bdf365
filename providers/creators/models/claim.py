"""One creator's place in a task."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from merchants.models import Merchant
from providers.creators.enums import HOLDING, ClaimState
from providers.creators.models.creator import Creator
from providers.creators.models.task import CreatorTask


class TaskClaim(models.Model):
    """The creator took a place; what is his work and what is the merchant's answer goes by `state`.

    `due_at` is when time runs out for whoever has to act, null where nobody has. `reason` is what was said with the last
    answer. `commission_bps` is the task's when the place was taken. `links_closed_at`: its links count no more orders.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(CreatorTask, on_delete=models.PROTECT, related_name="claims")
    creator = models.ForeignKey(Creator, on_delete=models.PROTECT, related_name="claims", db_index=False)
    state = models.CharField(
        _("State"),
        max_length=9,
        choices=ClaimState,
        default=ClaimState.CLAIMED,
        db_default=ClaimState.CLAIMED,
    )
    commission_bps = models.SmallIntegerField(_("Commission"))
    reason = models.CharField(pgettext_lazy("claim", "Why"), max_length=200, blank=True, default="")
    proof_url = models.URLField(_("Address of the video or stream"), max_length=400, blank=True, default="")
    claimed_at = models.DateTimeField(db_default=Now())
    approved_at = models.DateTimeField(null=True, blank=True)
    visited_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)  # accepted, or last returned
    ended_at = models.DateTimeField(null=True, blank=True)  # gave its place back
    links_closed_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("creators", "Claim")
        verbose_name_plural = pgettext_lazy("creators", "Claims")
        constraints = [
            models.UniqueConstraint(
                fields=["task", "creator"], condition=Q(state__in=HOLDING), name="claim_one_live"
            ),
            models.CheckConstraint(
                condition=Q(state__in=HOLDING, ended_at__isnull=True)
                | ~Q(state__in=HOLDING) & Q(ended_at__isnull=False, due_at__isnull=True),
                name="claim_ended",
            ),
            models.CheckConstraint(
                condition=Q(state=ClaimState.CLAIMED, approved_at__isnull=True)
                | Q(
                    state__in=[one for one in HOLDING if one != ClaimState.CLAIMED], approved_at__isnull=False
                )
                | ~Q(state__in=HOLDING),
                name="claim_approved",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.ACCEPTED])
                | Q(submitted_at__isnull=False) & ~Q(proof_url=""),
                name="claim_handed_in",
            ),
            models.CheckConstraint(condition=Q(commission_bps__range=(0, 5_000)), name="claim_commission"),
        ]
        indexes = [models.Index(fields=["creator", "-id"], name="claim_by_creator")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.creator_id}"
