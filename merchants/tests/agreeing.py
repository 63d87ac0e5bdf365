"""Terms as both sides agree them: who speaks for whom, and a change that went through."""

import itertools
from datetime import timedelta

from django.utils import timezone

from identity.domain.grants import give_grant
from identity.domain.platform_party import get_platform_party
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.domain.terms import PAYEES, accept_terms, propose_terms
from merchants.enums import ShareKind, TermsState
from merchants.models import Merchant, Terms

_numbers = itertools.count(1)


def make_operator(name: str = "平台小陈") -> User:
    return User.objects.create_superuser(name=name, phone=f"+86137{next(_numbers):08d}")


def make_payee(kind: ShareKind, name: str = "代运营") -> tuple[Party, User]:
    """Whom terms of this kind pay, and who speaks for it."""
    if PAYEES[kind] == PartyKind.PLATFORM:
        return get_platform_party(), make_operator()
    party = Party.objects.create(kind=PAYEES[kind], name=name)
    owner = User.objects.create_user(name=f"{name}老板", phone=f"+86136{next(_numbers):08d}")
    give_grant(user=owner, party_id=party.pk, role=Role.OWNER, store_ids=None, why="test")
    return party, owner


def propose(merchant: Merchant, kind: ShareKind, bps: int, payee: tuple[Party, User] | None = None) -> Terms:
    """Proposed by the payee's side; waits for the merchant's."""
    party, owner = payee or make_payee(kind)
    return propose_terms(
        merchant=merchant,
        kind=kind,
        payee=party,
        bps=bps,
        for_party_id=party.pk,
        by=owner,
        note="新一年的费率",
    )


def agree(
    merchant: Merchant, kind: ShareKind, bps: int, by: User, payee: tuple[Party, User] | None = None
) -> Terms:
    """Proposed by the payee and accepted by an owner of the merchant."""
    return accept_terms(terms=propose(merchant, kind, bps, payee), by=by)


def put_long_ago(merchant: Merchant, kind: ShareKind, bps: int, payee: Party) -> Terms:
    """In force for a year, for orders that are placed in the past."""
    since = timezone.now() - timedelta(days=365)
    return Terms.objects.create(
        merchant=merchant, kind=kind, payee=payee, version=1, bps=bps, state=TermsState.IN_FORCE,
        proposed_for=payee, proposed_at=since, answered_at=since, in_force_at=since,
    )  # fmt: skip
