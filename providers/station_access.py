"""How city stations enter a view: from the user's grants at the station, its provider or the merchant."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet

from core.errors import NotFound
from identity.domain.grants import live_grants
from identity.enums import Role
from identity.models import User
from merchants.access import MerchantAccess
from providers.access import PROVIDER_ROLES, ProviderAccess
from providers.models import Station, StationMembership, StationMerchant, StationTerritory, TrainingItem

STATION_ROLES = PROVIDER_ROLES
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class StationAccess:
    """What a user may do for a station."""

    station: Station
    user: User
    role: Role


def access_station(*, user: User, station_id: int, roles: Collection[Role] = STATION_ROLES) -> StationAccess:
    """The station the user works for in one of the roles. Raises NotFound."""
    grant = (
        live_grants(user=user)
        .filter(party_id=station_id, party__station__isnull=False, role__in=list(roles))
        .select_related("party__station__provider", "party__station__party")
        .first()
    )
    if grant is None:
        raise NotFound
    return StationAccess(station=grant.party.station, user=user, role=Role(grant.role))


def access_stations(*, user: User) -> list[StationAccess]:
    """Every station the user works for, by name."""
    grants = (
        live_grants(user=user)
        .filter(party__station__isnull=False, role__in=list(STATION_ROLES))
        .select_related("party__station__provider")
        .order_by("party__station__name", "id")
    )
    return [StationAccess(station=grant.party.station, user=user, role=Role(grant.role)) for grant in grants]


def access_station_merchants(*, access: StationAccess) -> "QuerySet[StationMerchant]":
    """The station's own, newest first, those that refused too."""
    return access.station.merchants.select_related("merchant", "station__party").order_by("-id")


def access_station_merchant(*, access: StationAccess, link_id: int) -> StationMerchant:
    """One of the station's. Raises NotFound."""
    return _one(access_station_merchants(access=access), link_id)


def access_station_staff(*, access: StationAccess) -> "QuerySet[StationMembership]":
    """The posts held now, by name."""
    return (
        access.station.memberships.filter(is_active=True)
        .select_related("user", "station__provider")
        .order_by("user__name", "id")
    )


def access_station_post(*, access: StationAccess, membership_id: int) -> StationMembership:
    """One post held now. Raises NotFound."""
    return _one(access_station_staff(access=access), membership_id)


def access_asked_item(*, station: Station, item_id: int) -> TrainingItem:
    """One item of the training asked of the station now. Raises NotFound."""
    items = TrainingItem.objects.filter(provider=station.provider_id, retired_at__isnull=True)
    return _one(items, item_id)


def access_provider_stations(*, access: ProviderAccess) -> "QuerySet[Station]":
    """The provider's stations, by city and name."""
    return access.provider.stations.select_related("provider", "party").order_by("city_code", "name", "pk")


def access_provider_station(*, access: ProviderAccess, station_id: int) -> Station:
    """One of the provider's stations. Raises NotFound."""
    return _one(access_provider_stations(access=access), station_id)


def access_territory(*, station: Station, territory_id: int) -> StationTerritory:
    """One of the station's. Raises NotFound."""
    return _one(station.territories.select_related("station"), territory_id)


def access_training_items(*, access: ProviderAccess) -> "QuerySet[TrainingItem]":
    """What the provider asks now."""
    return access.provider.training_items.filter(retired_at__isnull=True).order_by("id")


def access_training_item(*, access: ProviderAccess, item_id: int) -> TrainingItem:
    """One item asked now. Raises NotFound."""
    return _one(access_training_items(access=access), item_id)


def access_stations_of_merchant(*, access: MerchantAccess) -> "QuerySet[StationMerchant]":
    """Stations that look after the merchant, did, or want to, newest first; for its own staff. Raises NotFound."""
    if access.role is None:
        raise NotFound
    return (
        StationMerchant.objects.filter(merchant=access.merchant)
        .select_related(
            "station__party", "station__provider", "merchant__party", "proposed_by", "answered_by"
        )
        .order_by("-id")
    )


def access_station_of_merchant(*, access: MerchantAccess, link_id: int) -> StationMerchant:
    """One of them. Raises NotFound."""
    return _one(access_stations_of_merchant(access=access), link_id)


def _one(rows: "QuerySet[Row]", pk: int) -> Row:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
