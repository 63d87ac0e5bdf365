"""The row is the task; Celery is only its doorbell."""

from django.db import models
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from core.enums import JobQueue, JobState

OWN_LANE = Coalesce(
    models.Func(models.Value("tongdao.lane"), models.Value(True), function="current_setting"),
    models.Value(""),
    output_field=models.CharField(),
)


class Job(models.Model):
    """Work that must happen, written in the transaction that made it necessary.

    `due_at` is when it may start; `lease_until` keeps the relay from ringing again too soon; `attempts` are
    counted at claim, so a worker that dies counts. Unique per (kind, key): asking twice is asking once.
    `lane` is the setting tongdao.lane of the connection that wrote it: a relay rings only for its own lane, so a
    rehearsal's processes and everybody else's never do each other's work. `queue` says which workers are rung.
    """

    merchant_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    lane = models.CharField(_("Of the rehearsal"), max_length=40, db_default=OWN_LANE, blank=True)
    queue = models.CharField(
        _("Workers"), max_length=7, choices=JobQueue, db_default=JobQueue.INSIDE, default=JobQueue.INSIDE
    )
    state = models.CharField(
        max_length=8, choices=JobState, db_default=JobState.READY, default=JobState.READY
    )
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.SmallIntegerField(db_default=0, default=0)
    last_error = models.TextField(db_default="", default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Job")
        verbose_name_plural = _("Jobs")
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="job_once"),
            models.CheckConstraint(
                condition=models.Q(state=JobState.DONE, done_at__isnull=False)
                | (~models.Q(state=JobState.DONE) & models.Q(done_at__isnull=True)),
                name="job_done_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "queue", "due_at"],
                condition=models.Q(state=JobState.READY),
                name="job_ready",
            ),
            models.Index(fields=["-done_at"], condition=models.Q(state=JobState.DONE), name="job_done"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.state})"
