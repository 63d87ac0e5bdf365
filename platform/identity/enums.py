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


class Scope(models.TextChoices):
    """What somebody may do at a party in the name of another, who serves it; PHONES is a class of data, not an act."""

    STORES = "stores", _("Stores")
    DEALS = "deals", _("Deals, sessions and creators' tasks")
    REDEMPTIONS = "redemptions", _("Orders, redemptions and sales figures")
    REFUNDS = "refunds", _("Refunds")
    SETTLEMENT = "settlement", _("Statements (reading)")
    MEMBERS = "members", _("Customers (totals only)")
    PAGES = "pages", _("Brand pages")
    API = "api", _("Open API")
    PHONES = "phones", _("Ends of customers' phone numbers")


# Owners and finance see money leave; they are asked for a second factor.
SECOND_FACTOR_ROLES = {Role.OWNER, Role.FINANCE}
