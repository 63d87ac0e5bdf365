"""The score of a task for a creator: the evaluated signals, and two more that diners do not have.

- nearness to where he starts from, and familiarity: how much the task lies among stores he has worked for. Without history
  nearness counts whole; with it the two slide towards the weights which the diners' choices taught (docs/recommendation.md).
- interest in the category: what he states, what he has done, and what goes with it in the work of all.
- conversion: the share of the deal's coupons that were redeemed, since only redeemed ones bring commission; shrunk towards
  the usual share, so that two of two prove little.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.creators.recommendation.choice import score
from providers.creators.recommendation.nearness import Point, familiarity, kilometres, nearness

SIGNALS = ("nearness", "familiarity", "interest", "conversion")

REACH_KM = 0.75
LEARNED_NEARNESS, LEARNED_FAMILIARITY = 0.2, 0.5
UNFAMILIAR_NEARNESS = 1.0
HALF_KNOWN = 5  # so many past tasks, and history counts for half
INTEREST_WEIGHT, CONVERSION_WEIGHT = 1.0, 1.0

STATED, DONE, BESIDE = 0.6, 0.8, 0.4  # what each source of interest is worth at most
DONE_AT_FIRST = 3  # as many tasks of no category as if he had done them: one task makes no habit
NO_INTEREST = 0.2
NOTHING_KNOWN = 0.5

SHRINKING = 20  # coupons of the usual share which a deal's own are added to


@dataclass(frozen=True)
class Interest:
    """Where interest in a category comes from: stated, tasks done of all done, and what goes with those (0 to 1)."""

    stated: bool = False
    done: int = 0
    of: int = 0
    beside: float = 0.0

    @property
    def value(self) -> float:
        own = self.done / (self.of + DONE_AT_FIRST)
        return STATED * self.stated + DONE * own + BESIDE * self.beside


@dataclass(frozen=True)
class Viewer:
    """A creator as the score sees him; `home` None: he states no place."""

    home: Point | None = None
    haunts: Sequence[Point] = ()
    interests: Mapping[str, Interest] = field(default_factory=dict)

    @property
    def weights(self) -> tuple[float, float, float, float]:
        known = len(self.haunts) / (len(self.haunts) + HALF_KNOWN)
        return (
            UNFAMILIAR_NEARNESS + (LEARNED_NEARNESS - UNFAMILIAR_NEARNESS) * known,
            LEARNED_FAMILIARITY * known,
            INTEREST_WEIGHT,
            CONVERSION_WEIGHT,
        )


@dataclass(frozen=True)
class Offer:
    """A task as the score sees it; `redeemed` of `decided` coupons of its deal."""

    category: str
    point: Point | None = None
    redeemed: int = 0
    decided: int = 0


@dataclass(frozen=True)
class Rating:
    """The score, its signals in the order of SIGNALS, and what they were made of."""

    score: float
    signals: tuple[float, ...]
    distance_km: float | None
    haunt_km: float | None  # to the nearest store he has worked for
    rate: float


def shrunk_rate(*, redeemed: int, decided: int, usual: float) -> float:
    """The share redeemed as far as it is known: the usual share, moved by the own coupons as they grow in number."""
    return (redeemed + usual * SHRINKING) / (decided + SHRINKING)


def rate_offer(offer: Offer, *, viewer: Viewer, usual: float) -> Rating:
    """Score one task; `usual` is the share of all coupons that is redeemed, above zero."""
    distance = haunt = None
    near = family = 0.0
    if offer.point is not None:
        if viewer.home is not None:
            distance = kilometres(viewer.home, offer.point)
            near = nearness(distance)
        if viewer.haunts:
            distances = [kilometres(place, offer.point) for place in viewer.haunts]
            haunt = min(distances)
            family = familiarity(distances, reach_km=REACH_KM)
    wish = viewer.interests.get(offer.category, Interest()).value if viewer.interests else NOTHING_KNOWN
    rate = shrunk_rate(redeemed=offer.redeemed, decided=offer.decided, usual=usual)
    signals = (near, family, math.log(wish + NO_INTEREST), math.log(max(rate, 0.01) / usual))
    return Rating(score(viewer.weights, signals), signals, distance, haunt, rate)
