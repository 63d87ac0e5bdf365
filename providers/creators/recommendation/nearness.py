"""How near something is, as signals that fall slowly at first and without end."""

import math
from collections.abc import Sequence
from statistics import median

# Longitude and latitude in degrees.
Point = tuple[float, float]

EARTH_KM = 6371.0
# Below this many kilometres nearer is hardly better: one walks.
WALK_KM = 0.3
FARTHEST = 0.001  # what remains of a neighbourhood however far off, so that its logarithm exists


def kilometres(here: Point, there: Point) -> float:
    """The great-circle distance."""
    longitude, latitude, other_longitude, other_latitude = map(math.radians, (*here, *there))
    half = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other_latitude) * math.sin((other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def middle_of(points: Sequence[Point]) -> Point | None:
    """Where somebody with these places seems to be at home: the median of each coordinate, which no far trip moves."""
    if not points:
        return None
    return median(point[0] for point in points), median(point[1] for point in points)


def nearness(distance_km: float) -> float:
    """Falls with the logarithm of the distance: twice as far costs the same at 2 km as at 20 km."""
    return -math.log(distance_km + WALK_KM)


def familiarity(distances_km: Sequence[float], *, reach_km: float) -> float:
    """How much it lies among places somebody goes to: the logarithm of their mean closeness exp(-km / reach)."""
    if not distances_km:
        return math.log(FARTHEST)
    closeness = sum(math.exp(-distance / reach_km) for distance in distances_km) / len(distances_km)
    return math.log(closeness + FARTHEST)
