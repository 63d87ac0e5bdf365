"""Which official city a written name means."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HONG_KONG, MACAU = "81", "82"
MUNICIPALITIES = {"11", "12", "31", "50"}
WITHOUT_CITIES = MUNICIPALITIES | {HONG_KONG, MACAU, "71"}  # the province is the city
# Codes some programs give Hong Kong and Macau; GB/T 2260 says 81 and 82.
UNOFFICIAL_CODES = {"91": HONG_KONG, "92": MACAU}
FORMER_NAMES = {"襄樊市": "襄阳市", "思茅市": "普洱市", "巢湖市": "合肥市", "莱芜市": "济南市"}
OTHER_NAMES = {
    "香港": HONG_KONG,
    "香港特别行政區": HONG_KONG,
    "香港特別行政區": HONG_KONG,
    "澳门": MACAU,
    "澳門": MACAU,
    "澳門特別行政區": MACAU,
    "macao": MACAU,
    "kowloon": HONG_KONG,
    "newterritories": HONG_KONG,
    "nt": HONG_KONG,
}
ENDS_OF_CITIES = ("市", "地区", "盟", "自治州")
ENDS_OF_DISTRICTS = ("市", "区", "县")


@dataclass(frozen=True)
class Province:
    code: str
    name: str


@dataclass(frozen=True)
class City:
    """An official city of prefecture level (or a province without cities); `district` where a smaller place was named."""

    name: str
    province: Province
    district: str = ""


@dataclass(frozen=True)
class _Divisions:
    provinces: dict[str, Province]
    province_by_name: dict[str, Province]
    city_by_name: dict[str, City]
    cities_by_latin: dict[str, tuple[City, ...]]
    places_by_name: dict[str, tuple[City, ...]]


def find_province(written: str) -> Province | None:
    """By GB/T 2260 code of any length ("44", "440000"), name ("广东", "广东省") or Latin name ("Guangdong")."""
    text = written.strip()
    if text.isdigit() and len(text) >= 2:
        code = UNOFFICIAL_CODES.get(text[:2], text[:2])
        return _divisions().provinces.get(code)
    return _divisions().province_by_name.get(_plain(text))


def find_city(written: str, *, province: Province | None = None) -> City | None:
    """The official city that is meant; the province decides between places of one name. None where nothing fits.

    Understands official names, names without their ending, Latin spelling, county-level cities and districts (the
    city is the one they belong to), and former names. Whatever is written under Hong Kong or Macau is a place there.
    """
    text = written.strip()
    if not text:
        return None
    known = _divisions()
    if province and province.code in (HONG_KONG, MACAU):
        is_itself = _province_named(text) == province
        return City(name=province.name, province=province, district="" if is_itself else text)
    text = FORMER_NAMES.get(text, text)
    for found in (known.city_by_name.get(text), _with_ending(text), _by_latin_name(text, province)):
        if found:
            return found
    return _smaller_place(text, province) or _city_of_province_name(text)


def find_city_in_address(address: str, *, province: Province | None) -> City | None:
    """The city of the province that an address names by its official name."""
    for name, city in _divisions().city_by_name.items():
        if city.province == province and name in address:
            return city
    return None


def is_official_name(written: str) -> bool:
    """Whether it is written exactly as a province or a city of the mainland is officially called."""
    known = _divisions()
    return written in known.city_by_name or written in {
        province.name for code, province in known.provinces.items() if code not in (HONG_KONG, MACAU, "71")
    }


def is_province_name(written: str) -> bool:
    """Whether a province that has cities is named instead of a city."""
    province = _province_named(written)
    return province is not None and province.code not in WITHOUT_CITIES


def _province_named(text: str) -> Province | None:
    return _divisions().province_by_name.get(_plain(text))


def _city_of_province_name(text: str) -> City | None:
    province = _province_named(text)
    if province and province.code in WITHOUT_CITIES:
        return City(name=province.name, province=province)
    return None


def _with_ending(text: str) -> City | None:
    for end in ENDS_OF_CITIES:
        if found := _divisions().city_by_name.get(f"{text}{end}"):
            return found
    return None


def _by_latin_name(text: str, province: Province | None) -> City | None:
    """Suzhou is 苏州 in Jiangsu and 宿州 in Anhui: without the province it is neither."""
    candidates = _divisions().cities_by_latin.get(_plain(text), ())
    there = [city for city in candidates if city.province == province]
    if len(there) == 1:
        return there[0]
    return candidates[0] if len(candidates) == 1 else None


def _smaller_place(text: str, province: Province | None) -> City | None:
    """A county-level city, a district or county; 萧山市 became 萧山区, so the stem is tried with each ending."""
    places = _divisions().places_by_name
    stem = text[:-1] if len(text) > 2 and text.endswith(ENDS_OF_DISTRICTS) else text
    for name in (text, _plain(text), *(f"{stem}{end}" for end in ENDS_OF_DISTRICTS)):
        candidates = places.get(name, ())
        if province:
            candidates = tuple(city for city in candidates if city.province == province)
        if candidates:
            return candidates[0] if len(candidates) == 1 else None  # several: not clear
    return None


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


@cache
def _divisions() -> _Divisions:
    with (Path(__file__).parent / "divisions.csv").open(encoding="utf-8", newline="") as file:
        lines = [(line["code"], line["name"], line["latin"]) for line in csv.DictReader(file)]
    provinces = {code: Province(code, name) for code, name, _latin in lines if len(code) == 2}
    by_name = {_plain(province.name): province for province in provinces.values()}
    for code, name, latin in lines:
        if len(code) == 2:
            short = re.sub(r"(特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$", "", name)
            by_name[_plain(short)] = by_name[latin] = provinces[code]
    by_name |= {_plain(name): provinces[code] for name, code in OTHER_NAMES.items()}

    cities: dict[str, City] = {}
    by_latin: dict[str, list[City]] = {}
    by_code: dict[str, City] = {}
    for code, name, latin in lines:
        province = provinces[code[:2]]
        # 4290, 4690, 6590: cities directly under the province; there is no prefecture between.
        is_direct = len(code) == 6 and code[2:4] == "90" and name.endswith("市")
        is_single = len(code) == 2 and code in MUNICIPALITIES
        if len(code) == 4 or is_direct or is_single:
            city = City(name=name, province=province)
            cities[name] = by_code[code] = city
            if latin:
                by_latin.setdefault(latin, []).append(city)
    places: dict[str, list[City]] = {}
    for code, name, latin in lines:
        above = by_code.get(code[:4]) or by_code.get(code[:2])
        if len(code) == 6 and above and name not in cities:
            place = City(name=above.name, province=above.province, district=name)
            for key in {name, latin} - {""}:
                places.setdefault(key, []).append(place)
    return _Divisions(
        provinces=provinces,
        province_by_name=by_name,
        city_by_name=cities,
        cities_by_latin={name: tuple(found) for name, found in by_latin.items()},
        places_by_name={name: tuple(found) for name, found in places.items()},
    )
