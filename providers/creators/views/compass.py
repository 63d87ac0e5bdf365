"""Where tasks lie around somebody, drawn by the server: no map of another house, no request to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import cos, hypot, radians
from typing import Any

from providers.creators.models import CreatorTask

KM_OF_A_DEGREE = 111.32
EDGE = 100  # of the picture, from its middle
RINGS_KM = (0.5, 1, 2, 5, 10, 20, 50, 100, 500)


@dataclass(frozen=True)
class Dot:
    """`number` is the task's on the page; x and y are of the picture, y downwards."""

    number: int
    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Compass:
    dots: list[Dot]
    outer_km: str
    inner_km: str


def draw_compass(
    *, place: tuple[Any, Any] | None, tasks: Sequence[CreatorTask], first: int
) -> Compass | None:
    """The page's tasks around the place, north up, the rings in round kilometres; None where nothing can be placed."""
    if place is None or place[0] is None or place[1] is None:
        return None
    spots = [
        (number, *_offset(place, (task.longitude, task.latitude)), task.title)
        for number, task in enumerate(tasks, start=first)
        if task.longitude is not None and task.latitude is not None
    ]
    if not spots:
        return None
    farthest = max(hypot(east, north) for _, east, north, _ in spots)
    outer = next((km for km in RINGS_KM if km >= farthest), RINGS_KM[-1])
    return Compass(
        dots=[
            Dot(number, round(east / outer * EDGE, 1), round(-north / outer * EDGE, 1), title)
            for number, east, north, title in spots
            if hypot(east, north) <= outer
        ],
        outer_km=f"{outer:g}",
        inner_km=f"{outer / 2:g}",
    )


def _offset(place: tuple[Any, Any], other: tuple[Decimal, Decimal]) -> tuple[float, float]:
    """Kilometres to the east and to the north; the earth is flat enough within a town."""
    north = (float(other[1]) - float(place[1])) * KM_OF_A_DEGREE
    east = (float(other[0]) - float(place[0])) * KM_OF_A_DEGREE * cos(radians(float(place[1])))
    return east, north
