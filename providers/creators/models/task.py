"""What a merchant asks creators to do for a deal."""

from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, FloatField, Func, Q
from django.db.models.functions import Cast, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.models import Deal
from identity.models import User
from merchants.enums import Category
from merchants.models import Merchant, Store
from providers.creators.enums import TaskKind, TaskState
from providers.creators.models.creator import Creator
from providers.models import Provider


class CreatorTask(models.Model):
    """A video or a live stream about one deal, for a commission of each use that comes by the creator's links.

    `provider` published it for the merchant, null: the merchant itself. `category`, `city`, `district` and the GCJ-02
    coordinates are copied from merchant and `store`, so the board reads one table. `taken` of `quota` places are held by
    claims. Without `targeted` creators it is open to all who have `min_followers`.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="creator_tasks")
    provider = models.ForeignKey(
        Provider, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    deal = models.ForeignKey(Deal, on_delete=models.PROTECT, related_name="creator_tasks")
    store = models.ForeignKey(
        Store, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("Store to visit")
    )
    title = models.CharField(pgettext_lazy("task", "What to do"), max_length=60)
    brief = models.TextField(pgettext_lazy("task", "What matters"), max_length=2000, blank=True, default="")
    kind = models.CharField(_("Kind"), max_length=5, choices=TaskKind, default=TaskKind.VIDEO)
    category = models.CharField(max_length=10, choices=Category)
    city = models.CharField(max_length=40, blank=True, default="")
    district = models.CharField(max_length=40, blank=True, default="")
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    commission_bps = models.SmallIntegerField(_("Commission"))
    quota = models.IntegerField(pgettext_lazy("task", "Places"))
    taken = models.IntegerField(default=0, db_default=0)
    min_followers = models.IntegerField(_("Followers at least"), default=0)
    sample = models.BooleanField(_("The visit is free for the creator"), default=False)
    opens_at = models.DateTimeField(_("Open from"))
    closes_at = models.DateTimeField(_("Open until"))
    targeted = models.ManyToManyField(Creator, blank=True, related_name="+", verbose_name=_("Only for"))
    state = models.CharField(max_length=5, choices=TaskState, default=TaskState.DRAFT)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("creators", "Task")
        verbose_name_plural = pgettext_lazy("creators", "Tasks")
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0, taken__lte=F("quota"), quota__gte=1), name="task_taken_of_quota"
            ),
            models.CheckConstraint(
                condition=Q(commission_bps__range=(0, 5_000), min_followers__gte=0), name="task_numbers"
            ),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")), name="task_closes_after_opening"
            ),
            models.CheckConstraint(
                condition=Q(state=TaskState.DRAFT, taken=0, ended_at__isnull=True)
                | Q(state=TaskState.OPEN, taken__lt=F("quota"), ended_at__isnull=True)
                | Q(state=TaskState.FULL, taken=F("quota"), ended_at__isnull=True)
                | Q(state=TaskState.ENDED, ended_at__isnull=False),
                name="task_state_tells_places",
            ),
            models.CheckConstraint(
                condition=Q(longitude__isnull=True, latitude__isnull=True)
                | Q(longitude__range=(-180, 180), latitude__range=(-90, 90)),
                name="task_place_on_earth",
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="task_key"),
        ]
        indexes = [
            models.Index(fields=["merchant", "state", "-id"], name="task_by_state"),
            # The board walks outwards from where the creator is (ORDER BY ... <-> ...), or through his city's newest.
            GistIndex(
                Func(Cast("longitude", FloatField()), Cast("latitude", FloatField()), function="point"),
                condition=Q(state=TaskState.OPEN),
                name="task_by_place",
            ),
            models.Index(fields=["city", "-id"], condition=Q(state=TaskState.OPEN), name="task_by_city"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open_now(self) -> bool:
        """It stands on the board at this moment."""
        return self.state == TaskState.OPEN and self.opens_at <= timezone.now() < self.closes_at

    @property
    def left(self) -> int:
        """Places nobody holds."""
        return self.quota - self.taken
