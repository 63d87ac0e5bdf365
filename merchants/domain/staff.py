"""What one colleague may do to another's post: change it, end it."""

from collections.abc import Sequence

from django.db import transaction
from django_scopes import scope

from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import end_membership, set_membership
from merchants.domain.posts import BOUND_TO_STORES, check_may_appoint, check_may_manage
from merchants.models import Membership, Store


@transaction.atomic
def change_post(*, membership: Membership, role: Role, stores: Sequence[Store], by: User) -> Membership:
    """Give the person another post or other stores. Raises AboveOwnPost, LastOwner, Invalid(field="stores")."""
    stores = stores if role in BOUND_TO_STORES else []
    check_may_manage(by=by, membership=membership, store_ids=_store_ids(membership))
    check_may_appoint(
        by=by, merchant=membership.merchant, role=role, store_ids=[store.pk for store in stores]
    )
    return set_membership(merchant=membership.merchant, user=membership.user, role=role, stores=stores, by=by)


@transaction.atomic
def end_post(*, membership: Membership, by: User) -> None:
    """The person can no longer open anything here, at once. Raises AboveOwnPost, LastOwner."""
    check_may_manage(by=by, membership=membership, store_ids=_store_ids(membership))
    end_membership(membership=membership, by=by)


def _store_ids(membership: Membership) -> list[int]:
    with scope(merchant=membership.merchant_id):
        return list(membership.stores.values_list("pk", flat=True))
