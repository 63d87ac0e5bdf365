"""A provider's house in one city, who works there, and which part of the market is its own."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from identity.enums import Role
from identity.models import Party, User
from merchants.enums import Category
from providers.enums import StationState
from providers.models.provider import Provider


class Station(models.Model):
    """Shares its key with its party. `city_code` is its city's of GB/T 2260; its trades are those of its territories."""

    party = models.OneToOneField(Party, on_delete=models.PROTECT, primary_key=True, related_name="station")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="stations")
    name = models.CharField(_("Name of the station"), max_length=80)
    city = models.CharField(_("City"), max_length=40)
    city_code = models.CharField(max_length=6)
    state = models.CharField(_("State"), max_length=9, choices=StationState, default=StationState.PREPARING)
    created_at = models.DateTimeField(db_default=Now())
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("City station")
        verbose_name_plural = _("City stations")
        constraints = [
            models.UniqueConstraint(fields=["provider", "party"], name="station_key"),
            models.CheckConstraint(
                condition=Q(state=StationState.PREPARING, opened_at__isnull=True, closed_at__isnull=True)
                | Q(state=StationState.OPEN, opened_at__isnull=False, closed_at__isnull=True)
                | Q(state=StationState.CLOSED, closed_at__isnull=False),
                name="station_state_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StationMembership(models.Model):
    """One person's post at a station: owner, manager or finance. It writes his grant at the station's party."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="station_memberships")
    role = models.CharField(pgettext_lazy("staff", "Post"), max_length=10, choices=Role)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Post at a station")
        verbose_name_plural = _("Posts at stations")
        constraints = [
            models.UniqueConstraint(fields=["station", "user"], name="station_membership_once"),
            models.CheckConstraint(condition=~Q(role=Role.CLERK), name="station_has_no_clerks"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class StationTerritory(models.Model):
    """A station holds one trade of an area for a time: no other station of its provider holds it there then.

    `area` is a range of codes of GB/T 2260, so a district overlaps its whole city. An open end of `period` is not set yet.
    """

    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, related_name="territories", db_index=False
    )
    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="territories")
    category = models.CharField(pgettext_lazy("category", "Trade"), max_length=10, choices=Category)
    area = IntegerRangeField()
    area_code = models.CharField(max_length=6)
    area_name = models.CharField(pgettext_lazy("territory", "Area"), max_length=80)
    period = DateTimeRangeField()
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("Territory")
        verbose_name_plural = _("Territories")
        constraints = [
            ExclusionConstraint(
                name="territory_of_one_station",
                expressions=[
                    (F("provider"), RangeOperators.EQUAL),
                    (F("category"), RangeOperators.EQUAL),
                    (F("area"), RangeOperators.OVERLAPS),
                    (F("period"), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(area__isempty=False, period__startswith__isnull=False), name="territory_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.area_name} {self.category}"
