"""What a station must have learned before it opens."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from identity.models import User
from providers.models.provider import Provider
from providers.models.station import Station


class TrainingItem(models.Model):
    """One point of a provider's list; a retired one is asked of nobody any more."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="training_items")
    title = models.CharField(pgettext_lazy("training", "What has to be learned"), max_length=80)
    how = models.CharField(
        pgettext_lazy("training", "How it is shown"), max_length=300, blank=True, default=""
    )
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Training item")
        verbose_name_plural = _("Training items")

    def __str__(self) -> str:
        return self.title


class TrainingCompletion(models.Model):
    """The station says it is done; somebody of the provider who is not the same person passes it."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="completions", db_index=False)
    item = models.ForeignKey(TrainingItem, on_delete=models.PROTECT, related_name="completions")
    done_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    done_at = models.DateTimeField(db_default=Now())
    passed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    passed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Training completion")
        verbose_name_plural = _("Training completions")
        constraints = [
            models.UniqueConstraint(fields=["station", "item"], name="training_completed_once"),
            models.CheckConstraint(
                condition=Q(passed_by__isnull=True, passed_at__isnull=True)
                | Q(passed_by__isnull=False, passed_at__isnull=False) & ~Q(passed_by=F("done_by")),
                name="training_passed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.item_id}"
