"""Reads the `invariants.sql` of the installed apps; the ground knows none of them by name.

A file is made of blocks, each ended by a line with a semicolon at its end:

    -- area: orders | Orders | 订单
    -- name: paid_orders_have_their_coupons
    -- en: A paid order has exactly the coupons it was paid for; any other order has none.
    -- zh: 已支付的订单有且只有所购张数的券，其他订单没有券。
    SELECT o.id AS order_id FROM coupons_order o WHERE {merchant o.merchant_id} AND ...;

The query returns the rows that break the rule, ids only, so none is right. `{merchant COLUMN}` becomes a condition on
that column where one merchant is asked about, else TRUE. An area holds until the next one is named; other lines that
start with `--` are remarks to the reader of the file.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.apps import apps
from django.utils.translation import get_language

FILE = "invariants.sql"
_FIELD = re.compile(r"^--\s*(area|name|en|zh):\s*(.*?)\s*$")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_MERCHANT = re.compile(r"\{merchant ([a-z_][a-z0-9_.]*)\}")


class CatalogueFault(Exception):
    """A file says something it may not; the message names the file, the invariant and the reason."""


@dataclass(frozen=True)
class Area:
    """What invariants are about, for headings; the key is stable, the titles are shown."""

    key: str
    en: str
    zh: str

    @property
    def title(self) -> str:
        return self.zh if _reads_chinese() else self.en


@dataclass(frozen=True)
class Invariant:
    """One thing that must never be false, said in both languages, and the query that returns what breaks it."""

    name: str
    area: Area
    en: str
    zh: str
    sql: str

    @property
    def sentence(self) -> str:
        """In the reader's language."""
        return self.zh if _reads_chinese() else self.en

    @property
    def is_per_merchant(self) -> bool:
        """Whether one merchant can be asked about alone; else it is about the installation as a whole."""
        return bool(_MERCHANT.search(self.sql))

    def query(self, *, merchant_id: int | None = None) -> str:
        """The SELECT, over everything or restricted to one merchant."""
        if merchant_id is None:
            return _MERCHANT.sub("TRUE", self.sql)
        return _MERCHANT.sub(lambda found: f"{found[1]} = {int(merchant_id)}", self.sql)


def _reads_chinese() -> bool:
    return (get_language() or "").startswith("zh")


@cache
def load_catalogue() -> dict[str, Invariant]:
    """Every invariant by name, floor by floor from the ground up. Raises CatalogueFault."""
    return collect(
        Path(app.path) / FILE for app in apps.get_app_configs() if (Path(app.path) / FILE).is_file()
    )


def collect(files: Iterable[Path]) -> dict[str, Invariant]:
    """The invariants of these files by name. Raises CatalogueFault, also where two bear one name."""
    found: dict[str, Invariant] = {}
    areas: dict[str, Area] = {}
    for file in files:
        for invariant in read_file(file):
            if invariant.name in found:
                raise CatalogueFault(f"{file}: {invariant.name} is named twice.")
            if areas.setdefault(invariant.area.key, invariant.area) != invariant.area:
                raise CatalogueFault(f"{file}: area {invariant.area.key} is titled otherwise elsewhere.")
            found[invariant.name] = invariant
    return found


def by_area(catalogue: Mapping[str, Invariant]) -> list[tuple[Area, list[Invariant]]]:
    """The invariants under their headings, in the order in which the areas are first named."""
    found: dict[Area, list[Invariant]] = {}
    for invariant in catalogue.values():
        found.setdefault(invariant.area, []).append(invariant)
    return list(found.items())


def read_file(file: Path) -> list[Invariant]:
    """The invariants of one file, in its order. Raises CatalogueFault."""
    found: list[Invariant] = []
    area: Area | None = None
    fields: dict[str, str] = {}
    query: list[str] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        place = f"{file}:{number}"
        match = _FIELD.match(line)
        if match and query:
            raise CatalogueFault(f"{place}: the query of {fields.get('name', '?')} has no semicolon.")
        if match and match[1] == "area":
            area = _read_area(match[2], place=place)
        elif match:
            if match[1] in fields:
                raise CatalogueFault(f"{place}: {match[1]} is said twice before the query.")
            fields[match[1]] = match[2]
        elif line.strip() and not (line.startswith("--") and not query):
            query.append(line.rstrip())
            if line.rstrip().endswith(";"):
                found.append(_build(fields, "\n".join(query).rstrip(";"), area=area, place=place))
                fields, query = {}, []
    if query or fields:
        raise CatalogueFault(f"{file}: {fields.get('name', '?')} at the end is not finished.")
    return found


def _read_area(text: str, *, place: str) -> Area:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3 or not all(parts):
        raise CatalogueFault(f"{place}: an area is written as key | English title | Chinese title.")
    return Area(*parts)


def _build(fields: dict[str, str], sql: str, *, area: Area | None, place: str) -> Invariant:
    name = fields.get("name", "")
    if not _NAME.match(name):
        raise CatalogueFault(f"{place}: {name or 'a query'} has no name of small letters and underscores.")
    for language in ("en", "zh"):
        if not fields.get(language):
            raise CatalogueFault(f"{place}: {name} has no sentence in {language}.")
    if area is None:
        raise CatalogueFault(f"{place}: {name} stands in no area.")
    if "{merchant" in _MERCHANT.sub("", sql):
        raise CatalogueFault(f"{place}: {name} writes {{merchant …}} otherwise than {{merchant COLUMN}}.")
    return Invariant(name=name, area=area, en=fields["en"], zh=fields["zh"], sql=sql)
