"""The ratings: UCI "Restaurant & consumer data", four of its files."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import DomainError
from core.imports.table import TableFault, TableUnreadable, read_table
from providers.creators.recommendation.nearness import Point

LIKED = 2


class RatingsUnusable(DomainError):
    """A file is missing, unreadable, lacks a column or has a row that cannot be read; facts say which and why."""

    code = "ratings_unusable"


@dataclass(frozen=True)
class Diners:
    """`ratings[diner][place]` is 0, 1 or 2; what each says he likes to eat, and what each place cooks."""

    ratings: Mapping[str, Mapping[str, int]]
    places: Mapping[str, Point]
    stated: Mapping[str, frozenset[str]]
    cooked: Mapping[str, frozenset[str]]

    def liked(self) -> list[tuple[str, str]]:
        """Every rating of 2, in a fixed order."""
        return [
            (diner, place)
            for diner, own in sorted(self.ratings.items())
            for place, rating in sorted(own.items())
            if rating == LIKED
        ]


def read_diners(folder: Path) -> Diners:
    """Raises RatingsUnusable(file=…, why=…)."""
    ratings: dict[str, dict[str, int]] = defaultdict(dict)
    for diner, place, rating in _rows(folder / "rating_final.csv", "userID", "placeID", "rating"):
        if rating not in ("0", "1", "2"):
            raise RatingsUnusable(file="rating_final.csv", why=f"a rating is {rating!r}, not 0, 1 or 2")
        ratings[diner][place] = int(rating)
    places: dict[str, Point] = {}
    for place, longitude, latitude in _rows(folder / "geoplaces2.csv", "placeID", "longitude", "latitude"):
        try:
            places[place] = float(longitude), float(latitude)
        except ValueError as error:
            raise RatingsUnusable(file="geoplaces2.csv", why=f"place {place} has no coordinates") from error
    for own in ratings.values():
        if unknown := own.keys() - places.keys():
            raise RatingsUnusable(
                file="rating_final.csv", why=f"place {min(unknown)} is not in geoplaces2.csv"
            )
    if not any(LIKED in own.values() for own in ratings.values()):
        raise RatingsUnusable(file="rating_final.csv", why="nobody rated anything 2")
    return Diners(
        ratings=dict(ratings),
        places=places,
        stated=_sets(folder / "usercuisine.csv", "userID"),
        cooked=_sets(folder / "chefmozcuisine.csv", "placeID"),
    )


def _sets(path: Path, key: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for owner, cuisine in _rows(path, key, "Rcuisine"):
        found[owner].add(cuisine)
    return {owner: frozenset(cuisines) for owner, cuisines in found.items()}


def _rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    try:
        table = read_table(content=path.read_bytes())
    except OSError as error:
        raise RatingsUnusable(file=path.name, why=error.strerror or "cannot be read") from error
    except TableUnreadable as error:
        raise RatingsUnusable(file=path.name, why=TableFault(error.facts["why"]).label) from error
    for column in columns:
        if column not in table.columns:
            raise RatingsUnusable(file=path.name, why=f"there is no column {column}")
    return [tuple(row.cells[column] for column in columns) for row in table.rows]
