"""Whom a deal is for, where it is not for everybody."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from identity.models import Customer
from merchants.models import Merchant


class Audience(models.Model):
    """A named list of customers a merchant chose, say those a campaign was sent to."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="audiences")
    name = models.CharField(_("Audience"), max_length=60)

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="audience_name_once")]

    def __str__(self) -> str:
        return self.name


class AudienceMember(models.Model):
    """One customer of an audience."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")

    objects = ScopedManager(merchant="merchant")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["audience", "customer"], name="audience_member_once")]

    def __str__(self) -> str:
        return f"{self.audience_id} {self.customer_id}"
