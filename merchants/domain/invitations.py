"""Invite a colleague by a secret link, withdraw it, accept it."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django_scopes import scope, scopes_disabled
from phonenumber_field.phonenumber import PhoneNumber

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership
from merchants.domain.posts import BOUND_TO_STORES, AboveOwnPost, check_may_appoint
from merchants.enums import InvitationState
from merchants.models import Membership, Merchant, StaffInvitation, Store

VALID_FOR = timedelta(hours=72)


class InvitationGone(DomainError):
    """Unknown, used, withdrawn, too old, or its sender may no longer invite: the holder cannot tell which."""

    code = "invitation_gone"


class AlreadyMember(DomainError):
    """The phone belongs to somebody who works here."""

    code = "already_member"


class InvitationForOther(DomainError):
    """The signed-in user has another phone than the invited one."""

    code = "invitation_for_other"


@transaction.atomic
def invite_staff(
    *,
    merchant: Merchant,
    name: str,
    phone: PhoneNumber,
    role: Role,
    stores: Sequence[Store],
    by: User,
    at: datetime | None = None,
) -> tuple[StaffInvitation, str]:
    """An invitation and its secret, which is kept nowhere: only its hash is. Valid for 72 hours.

    An open invitation of the same phone is withdrawn, so inviting again is sending again.
    Raises AboveOwnPost, AlreadyMember, Invalid(field="stores") where a clerk has no store or a store is not the merchant's.
    """
    stores = stores if role in BOUND_TO_STORES else []
    check_may_appoint(by=by, merchant=merchant, role=role, store_ids=[store.pk for store in stores])
    if role == Role.CLERK and not stores:
        raise Invalid(field="stores", why="clerk_needs_store")
    if any(store.merchant_id != merchant.pk for store in stores):
        raise Invalid(field="stores", why="foreign_store")
    return _invite(merchant=merchant, name=name, phone=phone, role=role, stores=stores, by=by, at=at)


@transaction.atomic
def invite_first_owner(
    *, merchant: Merchant, name: str, phone: PhoneNumber, by: User, at: datetime | None = None
) -> tuple[StaffInvitation, str]:
    """As invite_staff, for the owner of a shop that has none yet: whoever opened it for him sends it.

    Of several such links the first one accepted makes the owner; the others are worth nothing then. The caller has asked
    whether `by` may. Raises AboveOwnPost where the shop has an owner.
    """
    if _has_owner(merchant):
        raise AboveOwnPost(role=Role.OWNER)
    return _invite(merchant=merchant, name=name, phone=phone, role=Role.OWNER, stores=[], by=by, at=at)


def _invite(
    *,
    merchant: Merchant,
    name: str,
    phone: PhoneNumber,
    role: Role,
    stores: Sequence[Store],
    by: User,
    at: datetime | None,
) -> tuple[StaffInvitation, str]:
    with scope(merchant=merchant.pk):
        if Membership.objects.filter(user__phone=phone, is_active=True).exists():
            raise AlreadyMember
        Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)  # one open invitation per phone
        for older in StaffInvitation.objects.filter(phone=phone, state=InvitationState.SENT):
            _withdraw(older, by)
        secret = secrets.token_urlsafe(32)
        invitation = StaffInvitation.objects.create(
            merchant=merchant,
            name=name,
            phone=phone,
            role=role,
            secret_hash=hash_secret(secret),
            invited_by=by,
            valid_until=(at or timezone.now()) + VALID_FOR,
        )
        invitation.stores.set(stores)
    record_event(
        verb="staff.invite", noun="invitation", noun_id=invitation.pk, by=by, merchant_id=merchant.pk,
        name=name, role=role,
    )  # fmt: skip
    return invitation, secret


@transaction.atomic
def withdraw_invitation(*, invitation: StaffInvitation, by: User) -> None:
    """The link stops working at once. Raises InvitationGone where it was used or withdrawn, AboveOwnPost."""
    with scope(merchant=invitation.merchant_id):
        store_ids = list(invitation.stores.values_list("pk", flat=True))
        check_may_appoint(
            by=by, merchant=invitation.merchant, role=Role(invitation.role), store_ids=store_ids
        )
        if not _withdraw(invitation, by):
            raise InvitationGone


def get_invitation(*, secret: str, at: datetime | None = None) -> StaffInvitation:
    """The open invitation of this secret. Raises InvitationGone."""
    with scopes_disabled():  # the secret is the way in; no merchant is known before
        invitation = (
            StaffInvitation.objects.filter(
                secret_hash=hash_secret(secret),
                state=InvitationState.SENT,
                valid_until__gt=at or timezone.now(),
            )
            .select_related("merchant", "invited_by")
            .first()
        )
    if invitation is None:
        raise InvitationGone
    return invitation


def get_known_user(*, invitation: Any) -> User | None:
    """Who already signs in with the invited phone."""
    return User.objects.filter(phone=invitation.phone).first()


@transaction.atomic
def accept_as_new_user(*, secret: str, name: str, password: str, at: datetime | None = None) -> Membership:
    """Make the account of the invited phone and its post, exactly once.

    The password was checked by the caller's form. Raises InvitationGone; also where the phone has an account by now,
    whose owner must sign in and accept himself.
    """
    invitation = _lock(secret, at)
    if get_known_user(invitation=invitation):
        raise InvitationGone
    return _accept(invitation, make_invited_user(name=name, phone=invitation.phone, password=password))


@transaction.atomic
def accept_as_user(*, secret: str, user: User, at: datetime | None = None) -> Membership:
    """Give the signed-in user the post, exactly once. Raises InvitationGone, InvitationForOther, AlreadyMember."""
    invitation = _lock(secret, at)
    if user.phone != invitation.phone:
        raise InvitationForOther
    return _accept(invitation, user)


def make_invited_user(*, name: str, phone: PhoneNumber, password: str) -> User:
    """The account of an invited phone. Raises InvitationGone where another invitation made it just now."""
    try:
        with transaction.atomic():
            return User.objects.create_user(name=name, phone=phone, password=password)
    except IntegrityError as error:
        raise InvitationGone from error


def hash_secret(secret: str) -> str:
    """The secret has 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _lock(secret: str, at: datetime | None) -> StaffInvitation:
    """The open invitation, locked and asked again under the lock."""
    invitation = get_invitation(secret=secret, at=at)
    with scope(merchant=invitation.merchant_id):
        changed = StaffInvitation.objects.filter(pk=invitation.pk, state=InvitationState.SENT).update(
            state=InvitationState.ACCEPTED
        )
    if changed != 1:
        raise InvitationGone
    return invitation


def _accept(invitation: StaffInvitation, user: User) -> Membership:
    with scope(merchant=invitation.merchant_id):
        if Membership.objects.filter(user=user, is_active=True).exists():
            raise AlreadyMember
        stores = list(invitation.stores.all())
        _check_still_may(invitation, stores)
    return set_membership(
        merchant=invitation.merchant,
        user=user,
        role=Role(invitation.role),
        stores=stores,
        by=invitation.invited_by,
    )


def _check_still_may(invitation: StaffInvitation, stores: Sequence[Store]) -> None:
    """Whoever sent it may have lost the right since. Only a first owner is invited by somebody without a post here."""
    Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=invitation.merchant_id)
    if invitation.role == Role.OWNER and not _has_owner(invitation.merchant):
        return
    try:
        check_may_appoint(
            by=invitation.invited_by,
            merchant=invitation.merchant,
            role=Role(invitation.role),
            store_ids=[store.pk for store in stores],
        )
    except AboveOwnPost as error:
        raise InvitationGone from error


def _has_owner(merchant: Merchant) -> bool:
    with scope(merchant=merchant.pk):
        return Membership.objects.filter(role=Role.OWNER, is_active=True).exists()


def _withdraw(invitation: StaffInvitation, by: User) -> bool:
    changed = StaffInvitation.objects.filter(pk=invitation.pk, state=InvitationState.SENT).update(
        state=InvitationState.WITHDRAWN
    )
    if changed:
        record_event(
            verb="staff.invitation_withdraw", noun="invitation", noun_id=invitation.pk, by=by,
            merchant_id=invitation.merchant_id, name=invitation.name,
        )  # fmt: skip
    return changed == 1
