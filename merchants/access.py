"""How merchants and what they own enter a view: from the user's grants. Forbidden and missing look the same."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet
from django_scopes import scope

from core.errors import NotFound
from identity.domain.grants import live_grants
from identity.enums import Role
from identity.models import User
from merchants.enums import StoreState
from merchants.models import Membership, Merchant, Store

EVERY_ROLE = frozenset(Role)


@dataclass(frozen=True)
class MerchantAccess:
    """What a user may do at a merchant: his role, and the stores he is bound to (None: all)."""

    merchant: Merchant
    user: User
    role: Role
    store_ids: tuple[int, ...] | None


def access_merchant(*, user: User, slug: str, roles: Collection[Role] = EVERY_ROLE) -> MerchantAccess:
    """The merchant of this slug, where the user has one of the roles. Raises NotFound."""
    grant = (
        live_grants(user=user)
        .filter(party__merchant__slug=slug, role__in=list(roles))
        .select_related("party__merchant")
        .first()
    )
    if grant is None:
        raise NotFound
    return MerchantAccess(
        merchant=grant.party.merchant,
        user=user,
        role=Role(grant.role),
        store_ids=None if grant.store_ids is None else tuple(grant.store_ids),
    )


def access_merchants(*, user: User) -> list[MerchantAccess]:
    """Every merchant the user works for, by name."""
    grants = (
        live_grants(user=user)
        .filter(party__merchant__isnull=False)
        .select_related("party__merchant")
        .order_by("party__merchant__name")
    )
    return [
        MerchantAccess(
            merchant=grant.party.merchant,
            user=user,
            role=Role(grant.role),
            store_ids=None if grant.store_ids is None else tuple(grant.store_ids),
        )
        for grant in grants
    ]


def access_stores(*, access: MerchantAccess, only_open: bool = False) -> "QuerySet[Store]":
    """The stores the user may see."""
    with scope(merchant=access.merchant.pk):
        stores = Store.objects.order_by("city", "name", "id")
    if access.store_ids is not None:
        stores = stores.filter(pk__in=access.store_ids)
    return stores.filter(state=StoreState.OPEN) if only_open else stores


def access_store(*, access: MerchantAccess, store_id: int) -> Store:
    """One store the user may see. Raises NotFound."""
    store = access_stores(access=access).filter(pk=store_id).first()
    if store is None:
        raise NotFound
    return store


def access_membership(*, access: MerchantAccess, membership_id: int) -> Membership:
    """One post at the merchant. Raises NotFound."""
    with scope(merchant=access.merchant.pk):
        membership = Membership.objects.select_related("user").filter(pk=membership_id).first()
    if membership is None:
        raise NotFound
    return membership
