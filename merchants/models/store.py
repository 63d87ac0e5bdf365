"""A place with an address."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from merchants.enums import CoordinateSystem, StoreState
from merchants.models.merchant import Merchant


class Store(models.Model):
    """`number` is the merchant's own number of the store, unique per merchant where given.

    `hours` is {"mon": [["10:00", "22:00"], …], …}, local time; empty means not stated.
    `import_warnings` are the named doubts of the importer about this row.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="stores")
    number = models.CharField(_("Store number"), max_length=40, blank=True, default="")
    name = models.CharField(_("Store name"), max_length=80)
    country = models.CharField(_("Country or region"), max_length=2, default="CN")
    province = models.CharField(_("Province"), max_length=40, blank=True, default="")
    city = models.CharField(_("City"), max_length=40, blank=True, default="")
    district = models.CharField(_("District"), max_length=40, blank=True, default="")
    address = models.CharField(_("Address"), max_length=200, blank=True, default="")
    postcode = models.CharField(_("Postcode"), max_length=12, blank=True, default="")
    phone = models.CharField(_("Phone"), max_length=40, blank=True, default="")
    longitude = models.DecimalField(_("Longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField(_("Latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    coordinate_system = models.CharField(
        _("Coordinates from"), max_length=6, choices=CoordinateSystem, default=CoordinateSystem.GCJ02
    )
    hours = models.JSONField(_("Opening hours"), default=dict, blank=True)
    state = models.CharField(_("State"), max_length=6, choices=StoreState, default=StoreState.OPEN)
    import_warnings = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(merchant="merchant")

    class Meta:
        verbose_name = _("Store")
        verbose_name_plural = _("Stores")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "number"], condition=~models.Q(number=""), name="store_number_once"
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="store_key"),
            models.CheckConstraint(
                condition=models.Q(longitude__isnull=True, latitude__isnull=True)
                | models.Q(longitude__range=(-180, 180), latitude__range=(-90, 90)),
                name="store_place_on_earth",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "city", "name"], name="store_by_city")]

    def __str__(self) -> str:
        return self.name
