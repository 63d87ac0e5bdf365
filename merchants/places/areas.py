"""Areas of China as ranges of the codes of GB/T 2260, so that a district lies within its city and a city within its province."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from merchants.places.china import WITHOUT_CITIES, find_city

DIGITS = 6


@dataclass(frozen=True)
class Area:
    """`code` has 0 (everywhere), 2, 4 or 6 digits; the codes in [first, end) lie within it."""

    code: str
    name: str

    @property
    def first(self) -> int:
        return int(self.code.ljust(DIGITS, "0"))

    @property
    def end(self) -> int:
        return self.first + 10 ** (DIGITS - len(self.code))

    def is_within(self, other: "Area") -> bool:
        return other.first <= self.first and self.end <= other.end


EVERYWHERE = Area(code="", name="")


def get_area(code: str) -> Area | None:
    """The area of an official code; None where there is none of it."""
    return _areas().get(code)


def find_area(*, city: str, district: str = "") -> Area | None:
    """The district where it is one of the city's, else the city, as written in an address; None for an unknown city."""
    found = find_city(city)
    if found is None:
        return None
    code = _code_by_city().get(found.name)
    if code is None:
        return None
    wanted = district.strip() or found.district
    return next((area for area in list_districts(code) if area.name == wanted), get_area(code))


def name_in_full(area: Area) -> str:
    """With the city's name before a district's."""
    above = get_area(area.code[:4]) or get_area(area.code[:2])
    if len(area.code) < DIGITS or above is None or _code_by_city().get(area.name) == area.code:
        return area.name
    return f"{above.name}{area.name}"


def list_cities() -> list[Area]:
    """Every official city, in the order of the codes."""
    return [_areas()[code] for code in sorted(_code_by_city().values())]


def list_districts(city_code: str) -> list[Area]:
    """The districts, counties and county-level cities of a city, in the order of the codes."""
    if len(city_code) == DIGITS:  # a city directly under its province has none
        return []
    return [area for code, area in _areas().items() if len(code) == DIGITS and code.startswith(city_code)]


@cache
def _areas() -> dict[str, Area]:
    with (Path(__file__).parent / "divisions.csv").open(encoding="utf-8", newline="") as file:
        return {line["code"]: Area(line["code"], line["name"]) for line in csv.DictReader(file)}


@cache
def _code_by_city() -> dict[str, str]:
    found = {}
    for code, area in _areas().items():
        is_direct = len(code) == DIGITS and code[2:4] == "90" and area.name.endswith("市")
        if len(code) == 4 or is_direct or (len(code) == 2 and code in WITHOUT_CITIES):
            found[area.name] = code
    return found
