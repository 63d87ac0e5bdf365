"""A shop on its way from the first contact to the first sale."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from identity.models import User
from merchants.enums import Category
from merchants.models import Merchant
from providers.models.provider import Provider


class Onboarding(models.Model):
    """A shop a provider brings in. How far it has come is read from what happened, never written here.

    `merchant` is null until the shop is opened. `given_up_at`: nothing will come of it.
    """

    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, related_name="onboardings", db_index=False
    )
    name = models.CharField(_("Name of the shop"), max_length=80)
    contact = models.CharField(_("Who we speak to"), max_length=80, blank=True, default="")
    city = models.CharField(_("City"), max_length=40, blank=True, default="")
    category = models.CharField(_("Trade"), max_length=10, choices=Category, default=Category.OTHER)
    first_contact_date = models.DateField(_("First contact"))
    merchant = models.OneToOneField(
        Merchant, null=True, blank=True, on_delete=models.PROTECT, related_name="onboarding"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("New client")
        verbose_name_plural = _("New clients")
        constraints = [
            models.CheckConstraint(
                condition=Q(given_up_at__isnull=True) | Q(merchant__isnull=True),
                name="onboarding_given_up_before_opening",
            ),
        ]
        indexes = [models.Index(fields=["provider", "-id"], name="onboarding_of_provider")]

    def __str__(self) -> str:
        return self.name
