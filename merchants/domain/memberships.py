"""Posts at a merchant, and the grants they write."""

from collections.abc import Sequence

from django.db import transaction
from django_scopes import scope

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.domain.grants import end_grants, give_grant
from identity.enums import Role
from identity.models import User
from merchants.models import Membership, Merchant, Store

REASON = "membership"


class LastOwner(DomainError):
    """A merchant always has an owner."""

    code = "last_owner"


@transaction.atomic
def set_membership(
    *, merchant: Merchant, user: User, role: Role, stores: Sequence[Store], by: User | None
) -> Membership:
    """Give the user this post in these stores (none named: all), and the grant that goes with it.

    Raises LastOwner where the merchant would be left without an owner, Invalid(field="stores") where a clerk has no store
    or a store is another merchant's.
    """
    if role == Role.CLERK and not stores:
        raise Invalid(field="stores", why="clerk_needs_store")
    if any(store.merchant_id != merchant.pk for store in stores):
        raise Invalid(field="stores", why="foreign_store")
    with scope(merchant=merchant.pk):
        _lock_owners(merchant)
        membership = Membership.objects.filter(user=user).first()
        if membership and membership.role == Role.OWNER and role != Role.OWNER:
            _check_not_last_owner(membership)
        if membership is None:
            membership = Membership.objects.create(merchant=merchant, user=user, role=role)
        else:
            membership.role = role
            membership.is_active = True
            membership.save(update_fields=["role", "is_active"])
        membership.stores.set(stores)
    give_grant(
        user=user,
        party_id=merchant.pk,
        role=role,
        store_ids=[store.pk for store in stores] or None,
        why=REASON,
    )
    record_event(
        verb="staff.set", noun="membership", noun_id=membership.pk, by=by, merchant_id=merchant.pk,
        role=role, name=user.name,
    )  # fmt: skip
    return membership


@transaction.atomic
def end_membership(*, membership: Membership, by: User | None) -> None:
    """End the post and its grant at once. Raises LastOwner."""
    with scope(merchant=membership.merchant_id):
        _lock_owners(membership.merchant)
        if membership.role == Role.OWNER:
            _check_not_last_owner(membership)
        Membership.objects.filter(pk=membership.pk).update(is_active=False)
    end_grants(user=membership.user, party_id=membership.merchant_id, why=REASON)
    record_event(
        verb="staff.end", noun="membership", noun_id=membership.pk, by=by, merchant_id=membership.merchant_id,
        name=membership.user.name,
    )  # fmt: skip


def _lock_owners(merchant: Merchant) -> None:
    """Two owners who end each other's post take turns here."""
    Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant.pk)


def _check_not_last_owner(membership: Membership) -> None:
    others = Membership.objects.filter(role=Role.OWNER, is_active=True).exclude(pk=membership.pk)
    if not others.exists():
        raise LastOwner
