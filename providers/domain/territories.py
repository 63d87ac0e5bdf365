"""Which station holds which trade of which area. The constraint decides; the lock only spares the deadlocks of a crowd."""

from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange, NumericRange
from django.db.models import Func, QuerySet, Value
from django.db.models.functions import Lower

from core.errors import DomainError, Invalid
from identity.domain.audit import record_event
from identity.models import User
from merchants.enums import Category
from merchants.models import Merchant
from merchants.places.areas import Area, find_area, get_area, name_in_full
from providers.enums import StationState
from providers.models import Provider, Station, StationTerritory


class TerritoryTaken(DomainError):
    """A station of the same provider holds it; facts: station, area and category of what it holds."""

    code = "territory_taken"


class TerritoryEnded(DomainError):
    """The station gave it up before."""

    code = "territory_ended"


@transaction.atomic
def give_territory(
    *, station: Station, category: Category, area_code: str, by: User | None
) -> StationTerritory:
    """The station holds this trade of the area, its city's or a district of it, from now on and alone.

    Raises Invalid(field="area") outside its city, Invalid(field="station") for a closed one, TerritoryTaken.
    """
    area, city = get_area(area_code), get_area(station.city_code)
    if area is None or city is None or not area.is_within(city):
        raise Invalid(field="area", why="outside_city")
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=station.provider_id)
    station.refresh_from_db()
    if station.state == StationState.CLOSED:
        raise Invalid(field="station", why="closed")
    moment = _moment()
    try:
        with transaction.atomic():
            territory = StationTerritory.objects.create(
                provider_id=station.provider_id,
                station=station,
                category=category,
                area=NumericRange(area.first, area.end),
                area_code=area.code,
                area_name=name_in_full(area),
                period=DateTimeTZRange(moment, None),
                created_by=by,
            )
    except IntegrityError as error:
        raise _taken(station, category, area, moment, error) from error
    _record("territory.give", territory, by)
    return territory


@transaction.atomic
def end_territory(*, territory: StationTerritory, by: User | None) -> None:
    """Another station may hold it from now on; merchants already brought in stay. Raises TerritoryEnded."""
    Provider.objects.select_for_update(of=("self",), no_key=True).get(pk=territory.provider_id)
    if not _end(StationTerritory.objects.filter(pk=territory.pk)):
        raise TerritoryEnded
    _record("territory.end", territory, by)


def end_all_territories(*, station: Station, by: User | None) -> None:
    """As end_territory, everything the station holds; the provider is locked by the caller."""
    for territory in held_now(station=station):
        _end(StationTerritory.objects.filter(pk=territory.pk))
        _record("territory.end", territory, by)


def held_now(*, station: Station) -> "QuerySet[StationTerritory]":
    """What the station holds, by trade and area."""
    return station.territories.filter(period__endswith__isnull=True).order_by("category", "area_code")


def is_in_territory(*, station: Station, merchant: Merchant, stores: list[tuple[str, str]]) -> bool:
    """Whether one of the stores, (city, district) as written in their addresses, lies where the station holds the
    merchant's trade."""
    areas = {area for city, district in stores if (area := find_area(city=city, district=district))}
    held = [one.area for one in held_now(station=station) if one.category == merchant.category]
    return any(one.lower <= area.first and area.end <= one.upper for area in areas for one in held)


def _end(territories: "QuerySet[StationTerritory]") -> int:
    return territories.filter(period__endswith__isnull=True).update(
        period=Func(
            Lower("period"),
            Value(_moment()),
            function="tstzrange",
            output_field=StationTerritory._meta.get_field("period"),
        )
    )


def _taken(
    station: Station, category: Category, area: Area, moment: datetime, error: IntegrityError
) -> DomainError:
    """Who holds it; the error itself where it says something else."""
    holder = (
        StationTerritory.objects.filter(
            provider=station.provider_id,
            category=category,
            area__overlap=NumericRange(area.first, area.end),
            period__overlap=DateTimeTZRange(moment, None),
        )
        .select_related("station")
        .first()
    )
    if holder is None:
        raise error
    return TerritoryTaken(station=holder.station.name, area=holder.area_name, category=category)


def _moment() -> datetime:
    """Now, not the transaction's begin: what ends and begins inside one does so in that order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _record(verb: str, territory: StationTerritory, by: User | None) -> None:
    record_event(
        verb=verb, noun="station", noun_id=territory.station_id, by=by,
        provider=territory.provider_id, area=territory.area_name, category=territory.category,
    )  # fmt: skip
