"""Ways to bring an engagement, its offer, a station, its merchant and an exclusive right into each state, and what moves them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from coupons.tests.town import Town
from identity.enums import Scope
from merchants.enums import Category
from providers.creators.domain.exclusivities import (
    agree_exclusivity,
    end_exclusivity,
    propose_exclusivity,
    refuse_exclusivity,
)
from providers.creators.enums import ExclusivityState
from providers.creators.models import Exclusivity
from providers.domain.engagements import (
    agree_offer,
    end_engagement,
    propose_change,
    propose_engagement,
    refuse_offer,
    withdraw_offer,
)
from providers.domain.station_merchants import (
    agree_to_station,
    leave_station,
    refuse_station,
    withdraw_station_offer,
)
from providers.domain.stations import close_station, open_station
from providers.domain.territories import give_territory
from providers.enums import EngagementState, OfferState, StationMerchantState, StationState
from providers.models import Engagement, EngagementOffer, Station, StationMerchant
from providers.tests.firms import Firm, make_firm
from providers.tests.stations import CHONGQING, House, make_house, trade_in


def _offer(town: Town, firm: Firm) -> EngagementOffer:
    return propose_engagement(
        provider=firm.provider, merchant=town.merchant, scopes=[Scope.DEALS], service_fee_bps=100,
        for_party_id=firm.provider.pk, by=firm.owner,
    )  # fmt: skip


def put_offer(town: Town, state: OfferState) -> EngagementOffer:
    firm = make_firm()
    offer = _offer(town, firm)
    if state == OfferState.AGREED:
        agree_offer(offer=offer, by=town.owner)
    if state == OfferState.REFUSED:
        refuse_offer(offer=offer, by=town.owner)
    if state == OfferState.WITHDRAWN:
        withdraw_offer(offer=offer, by=firm.owner)
    return offer


def put_engagement(town: Town, state: EngagementState) -> Engagement:
    firm = make_firm()
    offer = _offer(town, firm)
    if state != EngagementState.PROPOSED:
        agree_offer(offer=offer, by=town.owner)
    if state == EngagementState.CHANGING:
        change(town, offer.engagement)
    if state == EngagementState.ENDED:
        end_engagement(engagement=offer.engagement, by=town.owner)
    return offer.engagement


def change(town: Town, engagement: Engagement) -> Any:
    return propose_change(
        engagement=engagement, scopes=[Scope.REFUNDS], service_fee_bps=200, for_party_id=engagement.provider_id,
        by=_firm_owner(engagement),
    )  # fmt: skip


def answer(act: Any) -> Any:
    return lambda town, engagement: act(offer=engagement.offers.latest("version"), by=town.owner)


def _firm_owner(engagement: Engagement) -> Any:
    return engagement.provider.memberships.get(role="owner").user


def put_station(town: Town, state: StationState) -> Station:
    house = make_house(make_firm(), is_open=state == StationState.OPEN)
    if state == StationState.CLOSED:
        close_station(station=house.station, by=house.owner)
        give_back(house)
    return house.station


def give_back(house: House) -> None:
    """A closed station with territory again, so that only its state refuses to open it."""
    Station.objects.filter(pk=house.station.pk).update(state="preparing", closed_at=None)
    give_territory(station=house.station, category=Category.HOTPOT, area_code=CHONGQING, by=house.owner)
    Station.objects.filter(pk=house.station.pk).update(state="closed", closed_at=timezone.now())


def put_station_merchant(town: Town, state: StationMerchantState) -> StationMerchant:
    house = make_house(make_firm())
    link = house.offer(trade_in(town))
    if state in (StationMerchantState.ACTIVE, StationMerchantState.ENDED):
        agree_to_station(link=link, by=town.owner)
    if state == StationMerchantState.ENDED:
        leave_station(link=link, by=town.owner)
    if state == StationMerchantState.REFUSED:
        refuse_station(link=link, by=town.owner)
    if state == StationMerchantState.WITHDRAWN:
        withdraw_station_offer(link=link, by=house.owner)
    return link


def put_exclusivity(town: Town, state: ExclusivityState) -> Exclusivity:
    firm = make_firm()
    right = propose_exclusivity(
        merchant=town.merchant, deal=None, area_code="", begins=timezone.now(), ends=timezone.now() + timedelta(days=9),
        holders=[firm.provider.party], for_party_id=firm.provider.pk, by=firm.owner,
    )  # fmt: skip
    if state in (ExclusivityState.IN_FORCE, ExclusivityState.ENDED):
        agree_exclusivity(exclusivity=right, by=town.owner)
    if state == ExclusivityState.ENDED:
        end_exclusivity(exclusivity=right, by=town.owner)
    if state == ExclusivityState.REFUSED:
        refuse_exclusivity(exclusivity=right, by=town.owner)
    return right


OFFER_STEPS = {
    "agree": (
        lambda town, offer: agree_offer(offer=offer, by=town.owner),
        {(OfferState.PROPOSED, OfferState.AGREED)},
    ),
    "refuse": (
        lambda town, offer: refuse_offer(offer=offer, by=town.owner),
        {(OfferState.PROPOSED, OfferState.REFUSED)},
    ),
    "withdraw": (
        lambda town, offer: withdraw_offer(offer=offer, by=offer.proposed_by),
        {(OfferState.PROPOSED, OfferState.WITHDRAWN)},
    ),
}
ENGAGEMENT_STEPS = {
    "agree": (
        answer(agree_offer),
        {
            (EngagementState.PROPOSED, EngagementState.ACTIVE),
            (EngagementState.CHANGING, EngagementState.ACTIVE),
        },
    ),
    "refuse": (
        answer(refuse_offer),
        {
            (EngagementState.PROPOSED, EngagementState.ENDED),
            (EngagementState.CHANGING, EngagementState.ACTIVE),
        },
    ),
    "change": (change, {(EngagementState.ACTIVE, EngagementState.CHANGING)}),
    "end": (
        lambda town, engagement: end_engagement(engagement=engagement, by=town.owner),
        {
            (EngagementState.ACTIVE, EngagementState.ENDED),
            (EngagementState.CHANGING, EngagementState.ENDED),
        },
    ),
}
STATION_STEPS = {
    "open": (
        lambda town, station: open_station(station=station, by=town.owner),
        {(StationState.PREPARING, StationState.OPEN)},
    ),
    "close": (
        lambda town, station: close_station(station=station, by=town.owner),
        {(StationState.PREPARING, StationState.CLOSED), (StationState.OPEN, StationState.CLOSED)},
    ),
}
STATION_MERCHANT_STEPS = {
    "agree": (
        lambda town, link: agree_to_station(link=link, by=town.owner),
        {(StationMerchantState.PROPOSED, StationMerchantState.ACTIVE)},
    ),
    "refuse": (
        lambda town, link: refuse_station(link=link, by=town.owner),
        {(StationMerchantState.PROPOSED, StationMerchantState.REFUSED)},
    ),
    "withdraw": (
        lambda town, link: withdraw_station_offer(link=link, by=link.proposed_by),
        {(StationMerchantState.PROPOSED, StationMerchantState.WITHDRAWN)},
    ),
    "leave": (
        lambda town, link: leave_station(link=link, by=town.owner),
        {(StationMerchantState.ACTIVE, StationMerchantState.ENDED)},
    ),
}
EXCLUSIVITY_STEPS = {
    "agree": (
        lambda town, right: agree_exclusivity(exclusivity=right, by=town.owner),
        {(ExclusivityState.PROPOSED, ExclusivityState.IN_FORCE)},
    ),
    "refuse": (
        lambda town, right: refuse_exclusivity(exclusivity=right, by=town.owner),
        {(ExclusivityState.PROPOSED, ExclusivityState.REFUSED)},
    ),
    "end": (
        lambda town, right: end_exclusivity(exclusivity=right, by=town.owner),
        {(ExclusivityState.IN_FORCE, ExclusivityState.ENDED)},
    ),
}
