"""Invite somebody to a provider's staff by a secret link: the links are made and kept as those of shops are."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from phonenumber_field.phonenumber import PhoneNumber

from core.errors import Invalid
from identity.domain.audit import record_event
from identity.enums import Role
from identity.models import User
from merchants.domain.invitations import (
    VALID_FOR,
    AlreadyMember,
    InvitationForOther,
    InvitationGone,
    get_known_user,
    hash_secret,
    make_invited_user,
)
from merchants.domain.terms import NotThisSide, speaks_for
from merchants.enums import InvitationState
from providers.domain.providers import set_provider_membership
from providers.models import Provider, ProviderInvitation, ProviderMembership


@transaction.atomic
def invite_colleague(
    *, provider: Provider, name: str, phone: PhoneNumber, role: Role, by: User, at: datetime | None = None
) -> tuple[ProviderInvitation, str]:
    """An invitation and its secret, of which only the hash is kept. Valid for 72 hours; inviting again is sending again.

    Raises NotThisSide where `by` is no owner, Invalid(field="role") for a clerk, AlreadyMember.
    """
    if role == Role.CLERK:
        raise Invalid(field="role", why="no_clerks")
    if not speaks_for(user=by, party=provider.party):
        raise NotThisSide
    if ProviderMembership.objects.filter(provider=provider, user__phone=phone, is_active=True).exists():
        raise AlreadyMember
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=provider.pk)
    for older in ProviderInvitation.objects.filter(
        provider=provider, phone=phone, state=InvitationState.SENT
    ):
        _withdraw(older, by)
    secret = secrets.token_urlsafe(32)
    invitation = ProviderInvitation.objects.create(
        provider=provider,
        name=name,
        phone=phone,
        role=role,
        secret_hash=hash_secret(secret),
        invited_by=by,
        valid_until=(at or timezone.now()) + VALID_FOR,
    )
    _record("provider_staff.invite", invitation, by)
    return invitation, secret


@transaction.atomic
def withdraw_colleague(*, invitation: ProviderInvitation, by: User) -> None:
    """The link stops working at once. Raises NotThisSide, InvitationGone where it was used or withdrawn."""
    if not speaks_for(user=by, party=invitation.provider.party):
        raise NotThisSide
    if not _withdraw(invitation, by):
        raise InvitationGone


def get_colleague_invitation(*, secret: str, at: datetime | None = None) -> ProviderInvitation:
    """The open invitation of this secret. Raises InvitationGone."""
    invitation = (
        ProviderInvitation.objects.filter(
            secret_hash=hash_secret(secret), state=InvitationState.SENT, valid_until__gt=at or timezone.now()
        )
        .select_related("provider__party", "invited_by")
        .first()
    )
    if invitation is None:
        raise InvitationGone
    return invitation


@transaction.atomic
def accept_as_new_colleague(
    *, secret: str, name: str, password: str, at: datetime | None = None
) -> ProviderMembership:
    """Make the account of the invited phone and its post, exactly once. Raises InvitationGone; also where the phone has
    an account by now, whose owner must sign in and accept himself."""
    invitation = _lock(secret, at)
    if get_known_user(invitation=invitation):
        raise InvitationGone
    return _accept(invitation, make_invited_user(name=name, phone=invitation.phone, password=password))


@transaction.atomic
def accept_as_colleague(*, secret: str, user: User, at: datetime | None = None) -> ProviderMembership:
    """Give the signed-in user the post, exactly once. Raises InvitationGone, InvitationForOther, AlreadyMember."""
    invitation = _lock(secret, at)
    if user.phone != invitation.phone:
        raise InvitationForOther
    return _accept(invitation, user)


def _lock(secret: str, at: datetime | None) -> ProviderInvitation:
    invitation = get_colleague_invitation(secret=secret, at=at)
    if not ProviderInvitation.objects.filter(pk=invitation.pk, state=InvitationState.SENT).update(
        state=InvitationState.ACCEPTED
    ):
        raise InvitationGone
    return invitation


def _accept(invitation: ProviderInvitation, user: User) -> ProviderMembership:
    provider = invitation.provider
    if not speaks_for(user=invitation.invited_by, party=provider.party):  # no owner any more
        raise InvitationGone
    if ProviderMembership.objects.filter(provider=provider, user=user, is_active=True).exists():
        raise AlreadyMember
    return set_provider_membership(
        provider=provider, user=user, role=Role(invitation.role), by=invitation.invited_by
    )


def _withdraw(invitation: ProviderInvitation, by: User) -> bool:
    changed = ProviderInvitation.objects.filter(pk=invitation.pk, state=InvitationState.SENT).update(
        state=InvitationState.WITHDRAWN
    )
    if changed:
        _record("provider_staff.invitation_withdraw", invitation, by)
    return changed == 1


def _record(verb: str, invitation: ProviderInvitation, by: User) -> None:
    record_event(
        verb=verb, noun="provider_invitation", noun_id=invitation.pk, by=by,
        provider=invitation.provider_id, name=invitation.name, role=invitation.role,
    )  # fmt: skip
