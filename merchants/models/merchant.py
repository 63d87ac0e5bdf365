"""The business that owns the tenant."""

from zoneinfo import ZoneInfo

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.models import Party
from merchants.enums import Category


class Merchant(models.Model):
    """Shares its key with its party. What others take of its trade stands in its Terms.

    `shadow_of` marks a rehearsal's shadow of another merchant: every row of a tenant carries its merchant, so all that is
    rehearsed is tagged, and stays out of reports, statements and payouts.
    """

    party = models.OneToOneField(Party, on_delete=models.PROTECT, primary_key=True, related_name="merchant")
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("Merchant name"), max_length=80)
    category = models.CharField(
        _("Trade"), max_length=10, choices=Category, default=Category.OTHER, db_default=Category.OTHER
    )
    currency = models.CharField(max_length=3, default="CNY", db_default="CNY")
    zone = models.CharField(_("Time zone"), max_length=40, default="Asia/Shanghai")
    reversal_window_seconds = models.IntegerField(_("Time to undo a redemption"), default=3600)
    shadow_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="shadows", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Merchant")
        verbose_name_plural = _("Merchants")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reversal_window_seconds__gte=0), name="merchant_reversal_window"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tzinfo(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def is_shadow(self) -> bool:
        """A rehearsal's shop, see shadow_of."""
        return self.shadow_of_id is not None
