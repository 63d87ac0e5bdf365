"""Engagements: offered by one side, agreed by the other; what was agreed holds until both agree to something else.

What a provider may do, the merchant can take back alone and at once, in part or whole; more, or another fee, needs both.
Lock order: the engagement, then the provider (whose staff get grants), then the merchant's terms.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone
from django_scopes import scope

from core.domain.jobs import enqueue_job, job_handler
from core.errors import DomainError, Invalid
from core.models import Job
from identity.domain.audit import record_event
from identity.enums import Scope
from identity.models import Party, User
from merchants.domain.terms import NotThisSide, agree_terms, close_terms, speaks_for
from merchants.enums import ShareKind
from merchants.models import Merchant, Store
from providers.domain.granting import IN_FORCE, write_grants
from providers.enums import EndReason, EngagementState, OfferState
from providers.models import Engagement, EngagementOffer, Provider

MOST_SERVICE_FEE_BPS = 5_000
# What can be granted for some stores only; everything else is the whole shop's.
BY_STORE = frozenset({Scope.STORES, Scope.REDEMPTIONS, Scope.REFUNDS, Scope.PHONES})


class AlreadyEngaged(DomainError):
    """This provider works for this merchant already, or an offer waits."""

    code = "engagement_exists"


class OfferPending(DomainError):
    """Another change waits for its answer."""

    code = "engagement_offer_pending"


class OfferAnswered(DomainError):
    """Somebody agreed, refused or withdrew it before, or the engagement is over."""

    code = "engagement_offer_answered"


class EngagementOver(DomainError):
    """The engagement has ended or was never agreed."""

    code = "engagement_over"


@transaction.atomic
def propose_engagement(
    *,
    provider: Provider,
    merchant: Merchant,
    scopes: Collection[Scope],
    service_fee_bps: int,
    for_party_id: int,
    by: User,
    store_ids: Collection[int] | None = None,
    at_least_until: date | None = None,
    note: str = "",
) -> EngagementOffer:
    """The first offer of one side (`for_party_id`: the provider's key or the merchant's); nothing is granted before the
    other agrees.

    Raises Invalid(field), NotThisSide, AlreadyEngaged.
    """
    _check_side(for_party_id, provider.pk, merchant.pk, by)
    try:
        with transaction.atomic():
            engagement = Engagement.objects.create(provider=provider, merchant=merchant)
    except IntegrityError as error:
        raise AlreadyEngaged from error
    return _offer(
        engagement, version=1, scopes=scopes, service_fee_bps=service_fee_bps, for_party_id=for_party_id, by=by,
        store_ids=store_ids, at_least_until=at_least_until, note=note,
    )  # fmt: skip


@transaction.atomic
def propose_change(
    *,
    engagement: Engagement,
    scopes: Collection[Scope],
    service_fee_bps: int,
    for_party_id: int,
    by: User,
    store_ids: Collection[int] | None = None,
    at_least_until: date | None = None,
    note: str = "",
) -> EngagementOffer:
    """Other terms of one side; the old ones hold until the other agrees.

    Raises Invalid(field), NotThisSide, EngagementOver, OfferPending.
    """
    _check_side(for_party_id, engagement.provider_id, engagement.merchant_id, by)
    engagement = _lock(engagement)
    if engagement.state == EngagementState.CHANGING:
        raise OfferPending
    if engagement.state != EngagementState.ACTIVE:
        raise EngagementOver
    last = engagement.offers.aggregate(Max("version"))["version__max"]
    offer = _offer(
        engagement, version=last + 1, scopes=scopes, service_fee_bps=service_fee_bps, for_party_id=for_party_id,
        by=by, store_ids=store_ids, at_least_until=at_least_until, note=note,
    )  # fmt: skip
    Engagement.objects.filter(pk=engagement.pk).update(state=EngagementState.CHANGING)
    return offer


@transaction.atomic
def agree_offer(*, offer: EngagementOffer, by: User) -> Engagement:
    """The other side agrees: from now on this is what may be done, and the fee of orders placed from now on.

    Exactly one answer counts. Raises NotThisSide, OfferAnswered, and OtherTermsInForce or SharesAboveWhole of the terms;
    then what was agreed before still holds.
    """
    _check_other_side(offer, by)
    engagement = _lock(offer.engagement)
    _answer(offer, OfferState.AGREED, by)
    engagement.state = EngagementState.ACTIVE
    engagement.scopes, engagement.store_ids = offer.scopes, offer.store_ids
    engagement.at_least_until = offer.at_least_until
    engagement.active_at = engagement.active_at or timezone.now()
    _agree_fee(engagement, offer, by)
    engagement.save(update_fields=["state", "scopes", "store_ids", "at_least_until", "active_at", "terms"])
    _grant(engagement)
    _record("engagement.agree", engagement, by, version=offer.version)
    return engagement


@transaction.atomic
def refuse_offer(*, offer: EngagementOffer, by: User) -> Engagement:
    """The other side says no; a first offer is over with that, and a change leaves what was agreed before."""
    _check_other_side(offer, by)
    return _turn_down(offer, OfferState.REFUSED, by)


@transaction.atomic
def withdraw_offer(*, offer: EngagementOffer, by: User) -> Engagement:
    """The side that made it takes it back. Raises NotThisSide, OfferAnswered."""
    if not speaks_for(user=by, party=offer.proposed_for):
        raise NotThisSide
    return _turn_down(offer, OfferState.WITHDRAWN, by)


@transaction.atomic
def narrow_engagement(
    *, engagement: Engagement, scopes: Collection[Scope], store_ids: Collection[int] | None, by: User
) -> Engagement:
    """The merchant takes back part of what it granted (or all), alone and at once: the next request of the provider's
    staff feels it. The agreement and its fee stay.

    Raises NotThisSide, EngagementOver, Invalid(field="scopes" or "store_ids") for what was not granted before.
    """
    if not speaks_for(user=by, party=engagement.merchant.party):
        raise NotThisSide
    engagement = _lock(engagement)
    if engagement.state not in IN_FORCE:
        raise EngagementOver
    wanted = frozenset(Scope(one) for one in scopes)
    if not wanted <= frozenset(engagement.scopes):
        raise Invalid(field="scopes", why="not_granted")
    if engagement.store_ids is not None and (
        store_ids is None or not set(store_ids) <= set(engagement.store_ids)
    ):
        raise Invalid(field="store_ids", why="not_granted")
    _check_scopes(engagement.merchant, wanted, store_ids, may_be_none=True)
    engagement.scopes = sorted(wanted)
    engagement.store_ids = None if store_ids is None else sorted(store_ids)
    engagement.save(update_fields=["scopes", "store_ids"])
    _grant(engagement)
    _record("engagement.narrow", engagement, by, scopes=engagement.scopes)
    return engagement


@transaction.atomic
def end_engagement(*, engagement: Engagement, by: User) -> Engagement:
    """Either side ends it, at any time: the provider's staff are out of the shop with the next request.

    The fee ends with it; where the merchant ends it before the length agreed, orders pay the fee until that day is over.
    Raises NotThisSide, EngagementOver.
    """
    for_merchant = speaks_for(user=by, party=engagement.merchant.party)
    if not for_merchant and not speaks_for(user=by, party=engagement.provider.party):
        raise NotThisSide
    engagement = _lock(engagement)
    if engagement.state not in IN_FORCE:
        raise EngagementOver
    engagement.offers.filter(state=OfferState.PROPOSED).update(
        state=OfferState.WITHDRAWN, answered_by=by, answered_at=Now()
    )
    _end(engagement, EndReason.MERCHANT if for_merchant else EndReason.PROVIDER, by)
    due = fee_ends_at(engagement=engagement) if for_merchant else None
    if engagement.terms and due:
        enqueue_job(
            kind="close_service_fee", key=str(engagement.pk), payload={"engagement_id": engagement.pk},
            merchant_id=engagement.merchant_id, due_at=due,
        )  # fmt: skip
    elif engagement.terms:
        close_terms(terms=engagement.terms, by=by)
    return engagement


def fee_ends_at(*, engagement: Engagement) -> datetime | None:
    """When the fee would end if the merchant ended the engagement now: after the last day agreed, in the merchant's zone;
    None: at once."""
    zone = engagement.merchant.tzinfo
    last = engagement.at_least_until
    if last is None or last < timezone.localdate(timezone=zone):
        return None
    return datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone)


@job_handler("close_service_fee")
def close_service_fee(job: Job) -> None:
    """The length agreed is over."""
    engagement = Engagement.objects.select_related("terms").get(pk=job.payload["engagement_id"])
    if engagement.terms:
        close_terms(terms=engagement.terms, by=None)


def _offer(
    engagement: Engagement,
    *,
    version: int,
    scopes: Collection[Scope],
    service_fee_bps: int,
    for_party_id: int,
    by: User,
    store_ids: Collection[int] | None,
    at_least_until: date | None,
    note: str,
) -> EngagementOffer:
    if not 0 <= service_fee_bps <= MOST_SERVICE_FEE_BPS:
        raise Invalid(field="service_fee_bps", why="out_of_range")
    _check_scopes(engagement.merchant, scopes, store_ids)
    offer = EngagementOffer.objects.create(
        engagement=engagement,
        version=version,
        scopes=sorted(scopes),
        store_ids=None if store_ids is None else sorted(store_ids),
        service_fee_bps=service_fee_bps,
        at_least_until=at_least_until,
        note=note,
        proposed_for_id=for_party_id,
        proposed_by=by,
    )
    _record("engagement.propose", engagement, by, version=version, bps=service_fee_bps)
    return offer


def _check_scopes(
    merchant: Merchant,
    scopes: Collection[Scope],
    store_ids: Collection[int] | None,
    may_be_none: bool = False,
) -> None:
    if not scopes and not may_be_none:
        raise Invalid(field="scopes", why="none")
    if store_ids is None:
        return
    if not set(scopes) <= BY_STORE:
        raise Invalid(field="scopes", why="whole_shop_only")
    with scope(merchant=merchant.pk):
        if not store_ids or Store.objects.filter(pk__in=store_ids).count() != len(set(store_ids)):
            raise Invalid(field="store_ids", why="unknown")


def _check_side(for_party_id: int, provider_id: int, merchant_id: int, by: User) -> None:
    if for_party_id not in (provider_id, merchant_id):
        raise NotThisSide
    if not speaks_for(user=by, party=Party.objects.get(pk=for_party_id)):
        raise NotThisSide


def _check_other_side(offer: EngagementOffer, by: User) -> None:
    engagement = offer.engagement
    other = (
        engagement.provider.party
        if offer.proposed_for_id == engagement.merchant_id
        else engagement.merchant.party
    )
    if by.pk == offer.proposed_by_id or not speaks_for(user=by, party=other):
        raise NotThisSide


def _agree_fee(engagement: Engagement, offer: EngagementOffer, by: User) -> None:
    """The service fee of the offer in force; no version is made where it stays as it is."""
    now = engagement.terms
    if now is not None and now.bps == offer.service_fee_bps:
        now.refresh_from_db()
        if now.ended_at is None:
            return
    if offer.service_fee_bps == 0:
        if now is not None:
            close_terms(terms=now, by=by)
        engagement.terms = None
        return
    engagement.terms = agree_terms(
        merchant=engagement.merchant, kind=ShareKind.SERVICE_FEE, payee=engagement.provider.party,
        bps=offer.service_fee_bps, proposed_for_id=offer.proposed_for_id, proposed_by=offer.proposed_by,
        agreed_by=by,
    )  # fmt: skip


def _turn_down(offer: EngagementOffer, state: OfferState, by: User) -> Engagement:
    engagement = _lock(offer.engagement)
    _answer(offer, state, by)
    if engagement.state == EngagementState.PROPOSED:
        _end(engagement, EndReason.REFUSED, by)
    else:
        Engagement.objects.filter(pk=engagement.pk).update(state=EngagementState.ACTIVE)
        engagement.state = EngagementState.ACTIVE
    _record(f"engagement.{state}", engagement, by, version=offer.version)
    return engagement


def _answer(offer: EngagementOffer, state: OfferState, by: User) -> None:
    if not EngagementOffer.objects.filter(pk=offer.pk, state=OfferState.PROPOSED).update(
        state=state, answered_by=by, answered_at=Now()
    ):
        raise OfferAnswered


def _end(engagement: Engagement, reason: EndReason, by: User) -> None:
    engagement.state, engagement.scopes, engagement.store_ids = EngagementState.ENDED, [], None
    engagement.end_reason, engagement.ended_by, engagement.ended_at = reason, by, timezone.now()
    engagement.save(update_fields=["state", "scopes", "store_ids", "end_reason", "ended_by", "ended_at"])
    _grant(engagement)
    _record("engagement.end", engagement, by, reason=reason)


def _grant(engagement: Engagement) -> None:
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=engagement.provider_id)
    write_grants(engagement=engagement)


def _lock(engagement: Engagement) -> Engagement:
    return (
        Engagement.objects.select_for_update(of=("self",), no_key=True)
        .select_related("provider__party", "merchant__party", "terms")
        .get(pk=engagement.pk)
    )


def _record(verb: str, engagement: Engagement, by: User, **facts: object) -> None:
    record_event(
        verb=verb, noun="engagement", noun_id=engagement.pk, by=by, merchant_id=engagement.merchant_id,
        provider=engagement.provider.name, **facts,
    )  # fmt: skip
