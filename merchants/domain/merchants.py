"""Make a merchant."""

from django.db import transaction

from core.errors import DomainError
from identity.domain.audit import record_event
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.domain.memberships import set_membership
from merchants.domain.terms import open_with_platform_fee
from merchants.enums import Category
from merchants.models import Merchant


class SlugTaken(DomainError):
    """Another merchant has this short name."""

    code = "slug_taken"


@transaction.atomic
def create_merchant(
    *,
    slug: str,
    name: str,
    owner: User | None = None,
    category: Category = Category.OTHER,
    currency: str = "CNY",
    zone: str = "Asia/Shanghai",
    platform_fee_bps: int = 250,
    reversal_window_seconds: int = 3600,
) -> Merchant:
    """A merchant with its party, the platform's fee agreed and, where given, its owner. Raises SlugTaken, Invalid."""
    if Merchant.objects.filter(slug=slug).exists():
        raise SlugTaken(slug=slug)
    party = Party.objects.create(kind=PartyKind.MERCHANT, name=name)
    merchant = Merchant.objects.create(
        party=party,
        slug=slug,
        name=name,
        category=category,
        currency=currency,
        zone=zone,
        reversal_window_seconds=reversal_window_seconds,
    )
    open_with_platform_fee(merchant=merchant, bps=platform_fee_bps, owner=owner)
    if owner is not None:
        set_membership(merchant=merchant, user=owner, role=Role.OWNER, stores=[], by=None)
    return merchant


@transaction.atomic
def edit_merchant(
    *, merchant: Merchant, name: str, category: Category, reversal_window_seconds: int, by: User
) -> Merchant:
    """Rename the merchant, say what it trades in and set how long a redemption can be undone; redemptions made before
    keep their time."""
    before = {
        "name": merchant.name,
        "category": merchant.category,
        "reversal_window_seconds": merchant.reversal_window_seconds,
    }
    merchant.name = name
    merchant.category = category
    merchant.reversal_window_seconds = reversal_window_seconds
    merchant.save(update_fields=["name", "category", "reversal_window_seconds"])
    Party.objects.filter(pk=merchant.pk).update(name=name)
    record_event(
        verb="merchant.edit", noun="merchant", noun_id=merchant.pk, by=by, merchant_id=merchant.pk,
        before=before, name=name, category=category, reversal_window_seconds=reversal_window_seconds,
    )  # fmt: skip
    return merchant
