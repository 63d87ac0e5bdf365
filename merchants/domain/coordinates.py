"""From what a GPS says to the map everybody in China looks at."""

from decimal import Decimal
from math import cos, pi, sin, sqrt

AXIS, ECCENTRICITY2 = 6_378_245.0, 0.00669342162296594323  # Krasovsky 1940, which GCJ-02 is reckoned on
SIX_PLACES = Decimal("0.000001")


def to_gcj02(*, longitude: Decimal, latitude: Decimal) -> tuple[Decimal, Decimal]:
    """WGS-84 degrees to GCJ-02 degrees, right to about a metre; outside China both are the same."""
    east, north = float(longitude), float(latitude)
    if not (72.004 <= east <= 137.8347 and 0.8293 <= north <= 55.8271):
        return longitude, latitude
    x, y = east - 105, north - 35
    waves = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    up = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
    up += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    up += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    right = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves
    right += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    right += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    turn = north / 180 * pi
    bend = 1 - ECCENTRICITY2 * sin(turn) ** 2
    north += up * 180 / (AXIS * (1 - ECCENTRICITY2) / (bend * sqrt(bend)) * pi)
    east += right * 180 / (AXIS / sqrt(bend) * cos(turn) * pi)
    return Decimal(east).quantize(SIX_PLACES), Decimal(north).quantize(SIX_PLACES)
