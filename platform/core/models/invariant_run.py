"""What a check of the invariants found, kept so that a page can show the last one and the ones before."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.enums import RunTrigger


class InvariantRun(models.Model):
    """One check: `figures` is name -> rows that break it, growing while it runs; `total` is how many are asked.

    `samples` holds a few of those rows, ids only; `not_checked` names what took too long. merchant_id is set where one merchant alone was checked.
    """

    trigger = models.CharField(max_length=10, choices=RunTrigger)
    merchant_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    total = models.IntegerField(default=0, db_default=0)
    figures = models.JSONField(default=dict, db_default={})
    samples = models.JSONField(default=dict, db_default={})
    not_checked = models.JSONField(default=list, db_default=[])
    broken = models.IntegerField(default=0, db_default=0)
    last_error = models.CharField(max_length=400, default="", db_default="")

    class Meta:
        verbose_name = _("Self-check")
        verbose_name_plural = _("Self-checks")
        indexes = [
            models.Index(
                fields=["-id"],
                condition=models.Q(finished_at__isnull=False, merchant_id__isnull=True),
                name="invariant_run_finished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.trigger} {self.started_at:%Y-%m-%d %H:%M}"
