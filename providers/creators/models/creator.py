"""Somebody who shows deals to his followers."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.models import Party, User
from merchants.enums import Category


class Creator(models.Model):
    """Shares its key with its party. All of it is what he states of himself.

    `longitude`/`latitude` (GCJ-02, null: not stated) are where he starts from, as roughly as he likes; he works within
    `radius_km` of it. `channels` is [{"channel", "handle", "followers"}, …] and `followers` the largest of them.
    """

    party = models.OneToOneField(Party, on_delete=models.PROTECT, primary_key=True, related_name="creator")
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="creator")
    name = models.CharField(_("Name"), max_length=40)
    city = models.CharField(_("City"), max_length=40)
    district = models.CharField(_("District"), max_length=40, blank=True, default="")
    longitude = models.DecimalField(_("Longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField(_("Latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    radius_km = models.SmallIntegerField(_("As far as"), default=5)
    categories = ArrayField(
        models.CharField(max_length=10, choices=Category), default=list, db_default=[], blank=True
    )
    channels = models.JSONField(_("Channels"), default=list, blank=True)
    followers = models.IntegerField(_("Followers"), default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("Creator")
        verbose_name_plural = _("Creators")
        constraints = [
            models.CheckConstraint(
                condition=Q(longitude__isnull=True, latitude__isnull=True)
                | Q(longitude__range=(-180, 180), latitude__range=(-90, 90)),
                name="creator_place_on_earth",
            ),
            models.CheckConstraint(
                condition=Q(followers__gte=0, radius_km__range=(1, 500)), name="creator_numbers"
            ),
        ]

    def __str__(self) -> str:
        return self.name
