"""What a creator says about his board, and what was shown to him."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from merchants.enums import Category
from providers.creators.enums import Slot, Standing
from providers.creators.models.creator import Creator
from providers.creators.models.task import CreatorTask


class BoardWish(models.Model):
    """Corrections of what the board concludes: in the categories of `unlearned` it goes by what he states alone."""

    creator = models.OneToOneField(
        Creator, on_delete=models.CASCADE, primary_key=True, related_name="board_wish"
    )
    unlearned = ArrayField(
        models.CharField(max_length=10, choices=Category), default=list, db_default=[], blank=True
    )

    class Meta:
        verbose_name = _("Wish for the board")
        verbose_name_plural = _("Wishes for the board")

    def __str__(self) -> str:
        return str(self.creator_id)


class HiddenTask(models.Model):
    """The creator does not want to see this task on his board."""

    creator = models.ForeignKey(
        Creator, on_delete=models.CASCADE, related_name="hidden_tasks", db_index=False
    )
    task = models.ForeignKey(CreatorTask, on_delete=models.CASCADE, related_name="+", db_index=False)
    hidden_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Hidden task")
        verbose_name_plural = _("Hidden tasks")
        constraints = [models.UniqueConstraint(fields=["creator", "task"], name="hidden_task_once")]

    def __str__(self) -> str:
        return f"{self.creator_id} {self.task_id}"


class Impression(models.Model):
    """A task was recommended to a creator on a day (Asia/Shanghai), first at this place of his board, and why.

    Everything a fairness report needs is frozen here: `standing` and `merit_bps` of the creator and `rate_bps` of the deal
    (shrunk shares of redeemed coupons), whether the merchant `is_newcomer`, the signals of the score in the order of
    recommendation.rating.SIGNALS. A trigger keeps the rows as they are.
    """

    creator = models.ForeignKey(Creator, on_delete=models.PROTECT, related_name="+", db_index=False)
    task = models.ForeignKey(CreatorTask, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField(_("Day"))
    shown_at = models.DateTimeField(db_default=Now())
    place = models.SmallIntegerField(_("Place"))
    slot = models.CharField(_("Reserved for"), max_length=8, choices=Slot, blank=True, default="")
    standing = models.CharField(_("Standing"), max_length=5, choices=Standing)
    merit_bps = models.SmallIntegerField(_("Creator's share redeemed"))
    rate_bps = models.SmallIntegerField(_("Deal's share redeemed"))
    is_newcomer = models.BooleanField(_("New merchant"))
    score = models.FloatField(_("Score"))
    signals = ArrayField(models.FloatField())

    class Meta:
        verbose_name = pgettext_lazy("board", "Impression")
        verbose_name_plural = pgettext_lazy("board", "Impressions")
        constraints = [
            models.UniqueConstraint(fields=["creator", "task", "date"], name="impression_once_a_day"),
            models.CheckConstraint(
                condition=Q(place__gte=1, merit_bps__range=(0, 10_000), rate_bps__range=(0, 10_000)),
                name="impression_numbers",
            ),
        ]
        indexes = [models.Index(fields=["date", "id"], name="impression_by_day")]

    def __str__(self) -> str:
        return f"{self.date} {self.creator_id} {self.task_id}"
