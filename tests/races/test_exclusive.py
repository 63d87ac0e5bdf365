"""One territory, one exclusive right, two hundred who want it at the same moment: one has it, the rest are told who."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import DomainError
from coupons.tests.town import Town
from merchants.enums import Category
from providers.creators.domain.exclusivities import propose_exclusivity
from providers.creators.models import Creator, Exclusivity
from providers.creators.tests.carriers import make_carrier
from providers.domain.territories import give_territory
from providers.models import StationTerritory
from providers.tests.firms import make_firm
from providers.tests.stations import CHONGQING, YUZHONG, House, make_house
from tests.races.racing import race

pytestmark = pytest.mark.concurrency
LANES, TRIES = 20, 200


def crowd(try_once: Callable[[int], Any]) -> list[Any]:
    """Two hundred tries on twenty connections, twenty at a time."""
    lanes = [[partial(try_once, lane) for _ in range(TRIES // LANES)] for lane in range(LANES)]
    return [answer for answers in race(*lanes) for answer in answers]


def tell(answers: list[Any]) -> Counter[str]:
    return Counter(answer.code if isinstance(answer, DomainError) else "done" for answer in answers)


@pytest.fixture
def houses(transactional_db: None) -> list[House]:
    firm = make_firm()
    return [make_house(firm, f"{n}号站", category=None, is_open=False) for n in range(LANES)]


@pytest.fixture
def creators(transactional_db: None) -> list[Creator]:
    return [make_carrier(f"达人{n}") for n in range(LANES)]


def want_territory(houses: list[House], lane: int) -> StationTerritory:
    """Every second one wants the whole city, the others a district of it."""
    return give_territory(
        station=houses[lane].station,
        category=Category.TEA,
        area_code=CHONGQING if lane % 2 else YUZHONG,
        by=None,
    )


def want_right(town: Town, creators: list[Creator], lane: int) -> Exclusivity:
    """Every second one wants one deal, the others all of them."""
    now = timezone.now()
    return propose_exclusivity(
        merchant=town.merchant, deal=town.deal if lane % 2 else None, area_code="", begins=now,
        ends=now + timedelta(days=9), holders=[creators[lane].party], for_party_id=town.merchant.pk, by=town.owner,
    )  # fmt: skip


def test_one_territory(houses: list[House]) -> None:
    answers = crowd(partial(want_territory, houses))

    assert tell(answers) == {"done": 1, "territory_taken": TRIES - 1}
    winner = StationTerritory.objects.select_related("station").get()
    reasons = {answer.facts["station"] for answer in answers if isinstance(answer, DomainError)}
    assert reasons == {winner.station.name}


def test_one_exclusive_right(town: Town, creators: list[Creator]) -> None:
    answers = crowd(partial(want_right, town, creators))

    assert tell(answers) == {"done": 1, "exclusivity_taken": TRIES - 1}
    (holder,) = Exclusivity.objects.get().holders.all()
    reasons = {tuple(answer.facts["holders"]) for answer in answers if isinstance(answer, DomainError)}
    assert reasons == {(holder.name,)}


@pytest.mark.parametrize(
    ("table", "constraint"),
    [
        ("providers_stationterritory", "territory_of_one_station"),
        ("creators_exclusivity", "exclusivity_of_one"),
    ],
)
def test_without_the_constraint_many_have_it(
    town: Town, houses: list[House], creators: list[Creator], table: str, constraint: str
) -> None:
    """It is the database that decides: nothing above it looks first, nor could."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [constraint])
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    try:
        tries = {
            "providers_stationterritory": partial(want_territory, houses),
            "creators_exclusivity": partial(want_right, town, creators),
        }
        assert tell(crowd(tries[table])) == {"done": TRIES}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}")
