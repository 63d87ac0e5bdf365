"""Who is who."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PartyKind(models.TextChoices):
    PLATFORM = "platform", _("Platform")
    MERCHANT = "merchant", _("Merchant")
    PROVIDER = "provider", _("Service provider")
    STATION = "station", _("City station")
    CREATOR = "creator", _("Creator")


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    FINANCE = "finance", _("Finance")
    CLERK = "clerk", _("Clerk")


# Owners and finance see money leave; they are asked for a second factor.
SECOND_FACTOR_ROLES = {Role.OWNER, Role.FINANCE}
