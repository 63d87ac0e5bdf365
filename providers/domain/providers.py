"""Providers and their staff."""

from django.db import transaction

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.domain.grants import end_grants, give_grant
from identity.enums import PartyKind, Role
from identity.models import Party, User
from providers.domain.granting import end_staff_grants, grant_to_staff
from providers.models import Provider, ProviderMembership

REASON = "membership"


class LastProviderOwner(DomainError):
    """A provider always has an owner."""

    code = "last_owner"


@transaction.atomic
def create_provider(*, name: str, owner: User, city: str = "", about: str = "") -> Provider:
    """A provider with its party and its first owner. Raises Invalid(field="name")."""
    name = name.strip()
    if not name or len(name) > 80:
        raise Invalid(field="name", why="length")
    party = Party.objects.create(kind=PartyKind.PROVIDER, name=name)
    provider = Provider.objects.create(party=party, name=name, city=city.strip(), about=about.strip())
    record_event(verb="provider.create", noun="provider", noun_id=provider.pk, by=owner, name=name)
    set_provider_membership(provider=provider, user=owner, role=Role.OWNER, by=None)
    return provider


@transaction.atomic
def set_provider_membership(
    *, provider: Provider, user: User, role: Role, by: User | None
) -> ProviderMembership:
    """Give the user this post at the provider, and what its engagements give to that post at its clients, from now on.

    Raises Invalid(field="role") for a clerk, LastProviderOwner where no owner would be left.
    """
    if role == Role.CLERK:
        raise Invalid(field="role", why="no_clerks")
    _lock(provider)
    membership = ProviderMembership.objects.filter(provider=provider, user=user).first()
    if membership and membership.role == Role.OWNER and role != Role.OWNER:
        _check_not_last_owner(membership)
    if membership is None:
        membership = ProviderMembership.objects.create(provider=provider, user=user, role=role)
    else:
        membership.role, membership.is_active = role, True
        membership.save(update_fields=["role", "is_active"])
    give_grant(user=user, party_id=provider.pk, role=role, store_ids=None, why=REASON)
    grant_to_staff(membership=membership)
    record_event(
        verb="provider_staff.set", noun="provider_membership", noun_id=membership.pk, by=by,
        provider=provider.pk, role=role, name=user.name,
    )  # fmt: skip
    return membership


@transaction.atomic
def end_provider_membership(*, membership: ProviderMembership, by: User | None) -> None:
    """End the post; from the next request on he is in no client's shop. Raises LastProviderOwner."""
    _lock(membership.provider)
    if membership.role == Role.OWNER:
        _check_not_last_owner(membership)
    ProviderMembership.objects.filter(pk=membership.pk).update(is_active=False)
    end_grants(user=membership.user, party_id=membership.provider_id, why=REASON)
    end_staff_grants(membership=membership)
    record_event(
        verb="provider_staff.end", noun="provider_membership", noun_id=membership.pk, by=by,
        provider=membership.provider_id, name=membership.user.name,
    )  # fmt: skip


def _lock(provider: Provider) -> None:
    """Changes of a provider's staff take turns, and so do they with changes of its engagements."""
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=provider.pk)


def _check_not_last_owner(membership: ProviderMembership) -> None:
    others = ProviderMembership.objects.filter(
        provider=membership.provider_id, role=Role.OWNER, is_active=True
    )
    if not others.exclude(pk=membership.pk).exists():
        raise LastProviderOwner
