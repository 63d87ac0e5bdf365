"""One dress rehearsal of a live session."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from coupons.live.enums import RehearsalFailure, RehearsalPhase, RehearsalState
from coupons.live.models.session import LiveSession
from identity.models import User
from merchants.models import Merchant

UNDER_WAY = (RehearsalState.REQUESTED, RehearsalState.RUNNING)


class Rehearsal(models.Model):
    """`peak` orders a second were asked for over `seconds` of load; `shadow` is the shop it was played in.

    Its process alone writes the row while it runs: `heartbeat_at` says that it lives, `progress` (for people who watch)
    what it sees. `report` is written once, at the end, and is what the report page and the files are made of. `shut_at`
    says that its shadow shop was closed for good.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(LiveSession, on_delete=models.PROTECT, related_name="rehearsals")
    shadow = models.OneToOneField(Merchant, null=True, on_delete=models.PROTECT, related_name="rehearsal")
    peak = models.IntegerField(_("Orders a second at the peak"))
    seconds = models.IntegerField()
    has_overload = models.BooleanField(_("One more step above the peak"), default=False)
    state = models.CharField(max_length=9, choices=RehearsalState, default=RehearsalState.REQUESTED)
    phase = models.CharField(max_length=11, choices=RehearsalPhase, blank=True, default="")
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    shut_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    progress = models.JSONField(default=dict)
    report = models.JSONField(null=True)
    go = models.BooleanField(null=True)
    failure = models.CharField(max_length=11, choices=RehearsalFailure, blank=True, default="")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Rehearsal")
        verbose_name_plural = _("Rehearsals")
        constraints = [
            # Two at once would measure each other, whoever they belong to.
            models.UniqueConstraint(
                models.Value(1), condition=Q(state__in=UNDER_WAY), name="rehearsal_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(peak__range=(1, 100_000), seconds__range=(1, 7200)), name="rehearsal_size"
            ),
            models.CheckConstraint(
                condition=Q(state__in=UNDER_WAY, finished_at__isnull=True)
                | (~Q(state__in=UNDER_WAY) & Q(finished_at__isnull=False)),
                name="rehearsal_over_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state=RehearsalState.FINISHED, report__isnull=False, go__isnull=False)
                | (~Q(state=RehearsalState.FINISHED) & Q(go__isnull=True)),
                name="rehearsal_finished_has_report",
            ),
            models.CheckConstraint(
                condition=Q(state=RehearsalState.FAILED) ^ Q(failure=""), name="rehearsal_failed_says_why"
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="rehearsal_key"),
        ]
        indexes = [models.Index(fields=["merchant", "session", "-id"], name="rehearsal_by_session")]

    def __str__(self) -> str:
        return f"{self.session_id} #{self.pk}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def lane(self) -> str:
        """What marks its jobs and processes."""
        return f"rehearsal-{self.pk}"
