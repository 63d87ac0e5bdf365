"""Terms: proposed by one side, accepted or refused by the other, never changed and never reaching back."""

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.domain.grants import live_grants
from identity.domain.platform_party import get_platform_party
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.enums import ShareKind, TermsState
from merchants.models import Merchant, Terms

# Who can be paid by which kind of terms.
PAYEES: dict[ShareKind, PartyKind] = {
    ShareKind.PLATFORM_FEE: PartyKind.PLATFORM,
    ShareKind.SERVICE_FEE: PartyKind.PROVIDER,
    ShareKind.STATION_SHARE: PartyKind.STATION,
    ShareKind.COMMISSION: PartyKind.CREATOR,
}
OPERATOR = "merchants.change_merchant"  # whoever has it speaks for the platform


class NotThisSide(DomainError):
    """The user does not speak for the side this needs, or would be agreeing with himself."""

    code = "terms_not_this_side"


class ProposalPending(DomainError):
    """A proposal of this kind to this party waits for its answer."""

    code = "terms_pending"


class AlreadyAnswered(DomainError):
    """Somebody accepted, refused or withdrew the proposal before."""

    code = "terms_answered"


class SharesAboveWhole(DomainError):
    """With these terms more than the whole would go to others."""

    code = "terms_above_whole"


class OtherTermsInForce(DomainError):
    """Terms of this kind are in force with another party, who must give them up first."""

    code = "terms_of_another_party"


@transaction.atomic
def propose_terms(
    *,
    merchant: Merchant,
    kind: ShareKind,
    payee: Party,
    bps: int,
    for_party_id: int,
    by: User,
    note: str = "",
) -> Terms:
    """A proposal of one side (`for_party_id`: the merchant's key or the payee's) that waits for the other side.

    Nothing changes before accept_terms. Raises Invalid(field), NotThisSide, ProposalPending.
    """
    if not 0 <= bps <= 10_000:
        raise Invalid(field="bps", why="out_of_range")
    if payee.kind != PAYEES[kind]:
        raise Invalid(field="payee", why="wrong_kind")
    if for_party_id not in (merchant.pk, payee.pk) or not speaks_for(user=by, party=_party(for_party_id)):
        raise NotThisSide
    with scope(merchant=merchant.pk):
        _lock(merchant.pk)
        theirs = Terms.objects.filter(merchant=merchant, kind=kind, payee=payee)
        if theirs.filter(state=TermsState.IN_FORCE, bps=bps).exists():
            raise Invalid(field="bps", why="unchanged")
        if theirs.filter(state=TermsState.PROPOSED).exists():
            raise ProposalPending
        terms = Terms.objects.create(
            merchant=merchant,
            kind=kind,
            payee=payee,
            version=(theirs.aggregate(Max("version"))["version__max"] or 0) + 1,
            bps=bps,
            note=note,
            proposed_for_id=for_party_id,
            proposed_by=by,
        )
    _record("terms.propose", terms, by)
    return terms


@transaction.atomic
def accept_terms(*, terms: Terms, by: User) -> Terms:
    """The other side agrees: the version in force ends and this one is in force, in the same moment, for orders placed
    from now on.

    Exactly one answer counts. Raises NotThisSide, AlreadyAnswered, OtherTermsInForce, SharesAboveWhole; then the version
    before is still in force.
    """
    _check_other_side(terms, by)
    with scope(merchant=terms.merchant_id):
        _lock(terms.merchant_id)
        # One moment for both, read after the lock: what was agreed before us ended before it.
        moment = Terms.objects.filter(pk=terms.pk).values_list(Now(), flat=True).get()
        Terms.objects.filter(
            merchant=terms.merchant_id, kind=terms.kind, payee=terms.payee_id, state=TermsState.IN_FORCE
        ).update(state=TermsState.ENDED, ended_at=moment)
        try:
            with transaction.atomic():
                changed = Terms.objects.filter(pk=terms.pk, state=TermsState.PROPOSED).update(
                    state=TermsState.IN_FORCE, answered_by=by, answered_at=moment, in_force_at=moment
                )
        except IntegrityError as error:
            raise _named(error) from error
        if not changed:
            raise AlreadyAnswered
        terms.refresh_from_db()
    _record("terms.accept", terms, by)
    return terms


@transaction.atomic
def agree_terms(
    *,
    merchant: Merchant,
    kind: ShareKind,
    payee: Party,
    bps: int,
    proposed_for_id: int,
    proposed_by: User,
    agreed_by: User,
) -> Terms:
    """A new version in force at once, where both sides agreed to it in one paper with other things (an engagement).

    The caller has asked who speaks for whom when each side signed. An open proposal of the kind to this party is
    withdrawn. Raises OtherTermsInForce, SharesAboveWhole; then the version before is still in force.
    """
    if payee.kind != PAYEES[kind]:
        raise Invalid(field="payee", why="wrong_kind")
    with scope(merchant=merchant.pk):
        _lock(merchant.pk)
        theirs = Terms.objects.filter(merchant=merchant, kind=kind, payee=payee)
        moment = Merchant.objects.filter(pk=merchant.pk).values_list(Now(), flat=True).get()
        theirs.filter(state=TermsState.PROPOSED).update(
            state=TermsState.WITHDRAWN, answered_by=agreed_by, answered_at=moment
        )
        theirs.filter(state=TermsState.IN_FORCE).update(state=TermsState.ENDED, ended_at=moment)
        try:
            with transaction.atomic():
                terms = Terms.objects.create(
                    merchant=merchant, kind=kind, payee=payee, bps=bps, state=TermsState.IN_FORCE,
                    version=(theirs.aggregate(Max("version"))["version__max"] or 0) + 1,
                    proposed_for_id=proposed_for_id, proposed_by=proposed_by,
                    answered_by=agreed_by, answered_at=moment, in_force_at=moment,
                )  # fmt: skip
        except IntegrityError as error:
            raise _named(error) from error
    _record("terms.accept", terms, agreed_by)
    return terms


@transaction.atomic
def close_terms(*, terms: Terms, by: User | None) -> bool:
    """End terms in force because the agreement they belong to is over; False where they had ended. Orders placed before
    keep them."""
    with scope(merchant=terms.merchant_id):
        if not Terms.objects.filter(pk=terms.pk, state=TermsState.IN_FORCE).update(
            state=TermsState.ENDED, ended_at=Now()
        ):
            return False
    if by is not None:
        _record("terms.end", terms, by)
    return True


@transaction.atomic
def refuse_terms(*, terms: Terms, by: User) -> Terms:
    """The other side says no; what is in force stays. Raises NotThisSide, AlreadyAnswered."""
    _check_other_side(terms, by)
    return _answer(terms, TermsState.REFUSED, "terms.refuse", by)


@transaction.atomic
def withdraw_terms(*, terms: Terms, by: User) -> Terms:
    """The side that proposed takes it back. Raises NotThisSide, AlreadyAnswered."""
    if not speaks_for(user=by, party=_party(terms.proposed_for_id)):
        raise NotThisSide
    return _answer(terms, TermsState.WITHDRAWN, "terms.withdraw", by)


@transaction.atomic
def end_terms(*, terms: Terms, by: User) -> Terms:
    """The payee gives its share up, which costs nobody else: so it needs no consent. Orders placed before keep it.

    The platform's fee is never given up, only changed: every order freezes one. Raises NotThisSide, AlreadyAnswered,
    Invalid(field="kind").
    """
    if terms.kind == ShareKind.PLATFORM_FEE:
        raise Invalid(field="kind", why="always_in_force")
    if not speaks_for(user=by, party=_party(terms.payee_id)):
        raise NotThisSide
    with scope(merchant=terms.merchant_id):
        if not Terms.objects.filter(pk=terms.pk, state=TermsState.IN_FORCE).update(
            state=TermsState.ENDED, ended_at=Now()
        ):
            raise AlreadyAnswered
        terms.refresh_from_db()
    _record("terms.end", terms, by)
    return terms


def open_with_platform_fee(*, merchant: Merchant, bps: int, owner: User | None) -> Terms:
    """Version 1 of the platform's fee, in force at once: who opens a shop agrees to it. Raises Invalid(field="bps")."""
    if not 0 <= bps <= 10_000:
        raise Invalid(field="bps", why="out_of_range")
    return _write_in_force(merchant, ShareKind.PLATFORM_FEE, get_platform_party().pk, bps, owner)


def copy_terms(*, original: Merchant, copy: Merchant) -> None:
    """Into a shadow shop: everything in force at the original but the platform's fee, which it was opened with."""
    with scope(merchant=original.pk):
        kept = list(
            Terms.objects.filter(merchant=original, state=TermsState.IN_FORCE).exclude(
                kind=ShareKind.PLATFORM_FEE
            )
        )
    for terms in kept:
        _write_in_force(copy, ShareKind(terms.kind), terms.payee_id, terms.bps, None)


def get_platform_fee(*, merchant: Merchant) -> Terms:
    """The platform's fee in force."""
    with scope(merchant=merchant.pk):
        return Terms.objects.get(merchant=merchant, kind=ShareKind.PLATFORM_FEE, state=TermsState.IN_FORCE)


def speaks_for(*, user: User, party: Party) -> bool:
    """Whether the user may propose and agree for this party: its owner; for the platform an operator."""
    if party.kind == PartyKind.PLATFORM:
        return user.is_active and user.is_staff and user.has_perm(OPERATOR)
    return live_grants(user=user).filter(party=party, role=Role.OWNER).exists()


def _write_in_force(merchant: Merchant, kind: ShareKind, payee_id: int, bps: int, by: User | None) -> Terms:
    with scope(merchant=merchant.pk):
        return Terms.objects.create(
            merchant=merchant, kind=kind, payee_id=payee_id, version=1, bps=bps, state=TermsState.IN_FORCE,
            proposed_for_id=payee_id, answered_by=by, answered_at=Now(), in_force_at=Now(),
        )  # fmt: skip


def _check_other_side(terms: Terms, by: User) -> None:
    other = terms.payee_id if terms.proposed_for_id == terms.merchant_id else terms.merchant_id
    if by.pk == terms.proposed_by_id or not speaks_for(user=by, party=_party(other)):
        raise NotThisSide


def _answer(terms: Terms, state: TermsState, verb: str, by: User) -> Terms:
    with scope(merchant=terms.merchant_id):
        if not Terms.objects.filter(pk=terms.pk, state=TermsState.PROPOSED).update(
            state=state, answered_by=by, answered_at=Now()
        ):
            raise AlreadyAnswered
        terms.refresh_from_db()
    _record(verb, terms, by)
    return terms


def _named(error: DatabaseError) -> DomainError:
    """Which rule of the table refused."""
    return OtherTermsInForce() if "terms_one_of_a_kind" in str(error) else SharesAboveWhole()


def _lock(merchant_id: int) -> None:
    """Changes of one merchant's terms take turns; placing orders does not wait for them."""
    Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant_id)


def _party(party_id: int) -> Party:
    return Party.objects.get(pk=party_id)


def _record(verb: str, terms: Terms, by: User) -> None:
    record_event(
        verb=verb, noun="terms", noun_id=terms.pk, by=by, merchant_id=terms.merchant_id,
        kind=terms.kind, payee=terms.payee_id, version=terms.version, bps=terms.bps,
    )  # fmt: skip
