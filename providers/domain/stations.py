"""City stations and who works there.

Lock order: the provider (changes of its stations, territories and training take turns), then the merchant's terms.
"""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.domain.grants import end_grants, give_grant
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.places.areas import get_area
from providers.domain.providers import REASON, LastProviderOwner
from providers.domain.station_merchants import end_all_of_station
from providers.domain.territories import end_all_territories
from providers.domain.training import count_unpassed
from providers.enums import StationState
from providers.models import Provider, Station, StationMembership


class TrainingUnfinished(DomainError):
    """Points of the training list are not passed yet; `facts["left"]` of them."""

    code = "station_training_unfinished"


class WithoutTerritory(DomainError):
    """A station opens for a part of the market; this one holds none."""

    code = "station_without_territory"


class StationStateChanged(DomainError):
    """Somebody opened or closed it before."""

    code = "station_state_changed"


@transaction.atomic
def create_station(*, provider: Provider, name: str, city_code: str, owner: User, by: User) -> Station:
    """A station that prepares, with its party and first owner. Raises Invalid(field="name" or "city")."""
    name = name.strip()
    if not name or len(name) > 80:
        raise Invalid(field="name", why="length")
    city = get_area(city_code)
    if city is None:
        raise Invalid(field="city", why="unknown")
    lock_provider(provider)
    party = Party.objects.create(kind=PartyKind.STATION, name=name)
    station = Station.objects.create(
        party=party, provider=provider, name=name, city=city.name, city_code=city_code
    )
    _record("station.create", station, by, name=name, city=city.name)
    set_station_membership(station=station, user=owner, role=Role.OWNER, by=by)
    return station


@transaction.atomic
def open_station(*, station: Station, by: User) -> Station:
    """From now on it may bring in merchants. Raises StationStateChanged, WithoutTerritory, TrainingUnfinished."""
    lock_provider(station.provider)
    if not station.territories.filter(period__contains=Now()).exists():
        raise WithoutTerritory
    if left := count_unpassed(station=station):
        raise TrainingUnfinished(left=left)
    _move(station, (StationState.PREPARING,), state=StationState.OPEN, opened_at=Now())
    _record("station.open", station, by)
    return station


@transaction.atomic
def close_station(*, station: Station, by: User) -> Station:
    """For good: its territories are free and its merchants keep their shops without it, at once; orders placed before
    still pay its share, so its people go on reading its statements.

    Raises StationStateChanged.
    """
    lock_provider(station.provider)
    _move(station, (StationState.PREPARING, StationState.OPEN), state=StationState.CLOSED, closed_at=Now())
    end_all_territories(station=station, by=by)
    end_all_of_station(station=station, by=by)
    _record("station.close", station, by)
    return station


@transaction.atomic
def set_station_membership(*, station: Station, user: User, role: Role, by: User | None) -> StationMembership:
    """Give the user this post at the station. Raises Invalid(field="role") for a clerk, LastProviderOwner."""
    if role == Role.CLERK:
        raise Invalid(field="role", why="no_clerks")
    lock_provider(station.provider)
    membership = StationMembership.objects.filter(station=station, user=user).first()
    if membership and membership.is_active and membership.role == Role.OWNER and role != Role.OWNER:
        _check_not_last_owner(membership)
    if membership is None:
        membership = StationMembership.objects.create(station=station, user=user, role=role)
    else:
        membership.role, membership.is_active = role, True
        membership.save(update_fields=["role", "is_active"])
    give_grant(user=user, party_id=station.pk, role=role, store_ids=None, why=REASON)
    _record("station_staff.set", station, by, role=role, name=user.name)
    return membership


@transaction.atomic
def end_station_membership(*, membership: StationMembership, by: User | None) -> None:
    """End the post; from the next request on the station is closed to him. Raises LastProviderOwner."""
    lock_provider(membership.station.provider)
    if membership.role == Role.OWNER:
        _check_not_last_owner(membership)
    StationMembership.objects.filter(pk=membership.pk).update(is_active=False)
    end_grants(user=membership.user, party_id=membership.station_id, why=REASON)
    _record("station_staff.end", membership.station, by, name=membership.user.name)


def lock_provider(provider: Provider) -> None:
    """Changes of a provider's stations take turns."""
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=provider.pk)


def _move(station: Station, states: tuple[StationState, ...], **values: object) -> None:
    if not Station.objects.filter(pk=station.pk, state__in=states).update(**values):
        raise StationStateChanged
    station.refresh_from_db()


def _check_not_last_owner(membership: StationMembership) -> None:
    owners = StationMembership.objects.filter(station=membership.station_id, role=Role.OWNER, is_active=True)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastProviderOwner


def _record(verb: str, station: Station, by: User | None, **facts: Any) -> None:
    record_event(verb=verb, noun="station", noun_id=station.pk, by=by, provider=station.provider_id, **facts)
