"""Merchants a station brings in: offered by its owner, agreed by the merchant's, for a share of each use.

Lock order: the row, then the merchant's terms.
"""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django_scopes import scope

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.models import User
from merchants.domain.terms import NotThisSide, OtherTermsInForce, agree_terms, close_terms, speaks_for
from merchants.enums import ShareKind, StoreState, TermsState
from merchants.models import Merchant, Store, Terms
from providers.domain.territories import is_in_territory
from providers.enums import StationMerchantState, StationState
from providers.models import Station, StationMerchant

MOST_SHARE_BPS = 3_000


class StationNotOpen(DomainError):
    """It prepares still, or has closed."""

    code = "station_not_open"


class OutsideTerritory(DomainError):
    """No store of the merchant lies where the station holds its trade."""

    code = "station_outside_territory"


class AlreadyWithStation(DomainError):
    """The station looks after this merchant already, or its offer waits."""

    code = "station_merchant_exists"


class StationOfferAnswered(DomainError):
    """Somebody agreed, refused, withdrew or ended it before."""

    code = "station_offer_answered"


@transaction.atomic
def offer_to_merchant(
    *, station: Station, merchant: Merchant, share_bps: int, by: User, note: str = ""
) -> StationMerchant:
    """An offer that waits for an owner of the merchant; nothing is taken before he agrees.

    Raises Invalid(field="share_bps"), NotThisSide, StationNotOpen, OutsideTerritory, AlreadyWithStation.
    """
    if not 0 <= share_bps <= MOST_SHARE_BPS:
        raise Invalid(field="share_bps", why="out_of_range")
    if not speaks_for(user=by, party=station.party):
        raise NotThisSide
    _check_in_reach(station, merchant)
    try:
        with transaction.atomic():
            link = StationMerchant.objects.create(
                station=station, merchant=merchant, share_bps=share_bps, note=note.strip(), proposed_by=by
            )
    except IntegrityError as error:
        raise AlreadyWithStation from error
    _record("station_merchant.offer", link, by, bps=share_bps)
    return link


@transaction.atomic
def agree_to_station(*, link: StationMerchant, by: User) -> StationMerchant:
    """An owner of the merchant agrees: the share counts for orders placed from now on.

    Exactly one answer counts. Raises NotThisSide, StationOfferAnswered, StationNotOpen, OutsideTerritory, and
    OtherTermsInForce or SharesAboveWhole of the terms; then the offer still waits.
    """
    if by.pk == link.proposed_by_id or not speaks_for(user=by, party=link.merchant.party):
        raise NotThisSide
    _check_in_reach(link.station, link.merchant)
    try:
        with transaction.atomic():
            _answer(link, StationMerchantState.ACTIVE, by)
    except IntegrityError as error:
        raise OtherTermsInForce from error
    if link.share_bps and not _terms(link).filter(bps=link.share_bps).exists():
        agree_terms(
            merchant=link.merchant, kind=ShareKind.STATION_SHARE, payee=link.station.party, bps=link.share_bps,
            proposed_for_id=link.station_id, proposed_by=link.proposed_by, agreed_by=by,
        )  # fmt: skip
    _record("station_merchant.agree", link, by, bps=link.share_bps)
    return link


@transaction.atomic
def refuse_station(*, link: StationMerchant, by: User) -> StationMerchant:
    """An owner of the merchant says no. Raises NotThisSide, StationOfferAnswered."""
    if by.pk == link.proposed_by_id or not speaks_for(user=by, party=link.merchant.party):
        raise NotThisSide
    _answer(link, StationMerchantState.REFUSED, by)
    _record("station_merchant.refuse", link, by)
    return link


@transaction.atomic
def withdraw_station_offer(*, link: StationMerchant, by: User) -> StationMerchant:
    """The station takes its offer back. Raises NotThisSide, StationOfferAnswered."""
    if not speaks_for(user=by, party=link.station.party):
        raise NotThisSide
    _answer(link, StationMerchantState.WITHDRAWN, by)
    _record("station_merchant.withdraw", link, by)
    return link


@transaction.atomic
def leave_station(*, link: StationMerchant, by: User) -> StationMerchant:
    """Either side ends it at any time; orders placed before keep the share. Raises NotThisSide, StationOfferAnswered."""
    parties = (link.merchant.party, link.station.party)
    if not any(speaks_for(user=by, party=party) for party in parties):
        raise NotThisSide
    _end(link, by)
    return link


def end_all_of_station(*, station: Station, by: User) -> None:
    """The station closes: its open offers are withdrawn and what is active ends."""
    for link in station.merchants.select_related("merchant", "station__party").order_by("id"):
        if link.state == StationMerchantState.PROPOSED:
            _answer(link, StationMerchantState.WITHDRAWN, by)
        elif link.state == StationMerchantState.ACTIVE:
            _end(link, by)


def _check_in_reach(station: Station, merchant: Merchant) -> None:
    station.refresh_from_db(fields=["state"])
    if station.state != StationState.OPEN:
        raise StationNotOpen
    with scope(merchant=merchant.pk):
        stores = list(Store.objects.filter(state=StoreState.OPEN).values_list("city", "district"))
    if not is_in_territory(station=station, merchant=merchant, stores=stores):
        raise OutsideTerritory


def _answer(link: StationMerchant, state: StationMerchantState, by: User) -> None:
    if not StationMerchant.objects.filter(pk=link.pk, state=StationMerchantState.PROPOSED).update(
        state=state, answered_by=by, answered_at=Now()
    ):
        raise StationOfferAnswered
    link.refresh_from_db()


def _end(link: StationMerchant, by: User) -> None:
    if not StationMerchant.objects.filter(pk=link.pk, state=StationMerchantState.ACTIVE).update(
        state=StationMerchantState.ENDED, ended_by=by, ended_at=Now()
    ):
        raise StationOfferAnswered
    link.refresh_from_db()
    if terms := _terms(link).first():
        close_terms(terms=terms, by=by)
    _record("station_merchant.end", link, by)


def _terms(link: StationMerchant) -> "QuerySet[Terms]":
    """The station's share in force."""
    with scope(merchant=link.merchant_id):
        return Terms.objects.filter(
            kind=ShareKind.STATION_SHARE, payee=link.station_id, state=TermsState.IN_FORCE
        )


def _record(verb: str, link: StationMerchant, by: User, **facts: object) -> None:
    record_event(
        verb=verb, noun="station_merchant", noun_id=link.pk, by=by, merchant_id=link.merchant_id,
        station=link.station.name, **facts,
    )  # fmt: skip
