"""What the recommendation has to beat: five simple ways, each a few lines to read."""

import math
import random
from collections import defaultdict
from collections.abc import Callable

from providers.creators.recommendation.evaluation.town import Known, Question
from providers.creators.recommendation.nearness import kilometres

Scores = dict[str, float]
Way = Callable[[Known, Question], Scores]

NEIGHBOURHOOD_KM = 1.0
NO_NEIGHBOUR = 0.01  # so that nearness still orders what no neighbour chose


def by_chance(seed: int) -> Way:
    """Any order."""
    dice = random.Random(seed)  # noqa: S311 - no secret

    def score(known: Known, question: Question) -> Scores:
        return {place: dice.random() for place in known.candidates(question)}

    return score


def by_popularity(known: Known, question: Question) -> Scores:
    """What most were to."""
    return {place: float(known.popularity(question, place)) for place in known.candidates(question)}


def by_nearness(known: Known, question: Question) -> Scores:
    """What is nearest to the middle of the diner's places."""
    home = known.home(question)
    places = known.diners.places
    return {place: -kilometres(home, places[place]) if home else 0.0 for place in known.candidates(question)}


def by_stated_cuisine(known: Known, question: Question) -> Scores:
    """What cooks something the diner says he likes."""
    likes = known.diners.stated.get(question.diner, frozenset())
    cooked = known.diners.cooked
    return {
        place: float(bool(likes & cooked.get(place, frozenset()))) for place in known.candidates(question)
    }


def by_neighbours_and_nearness(known: Known, question: Question) -> Scores:
    """What diners with the same places were to (cosine), less the farther it is from the middle of the diner's places."""
    mine = set(known.history(question))
    chosen: Scores = defaultdict(float)
    for other, places in known.ratings.items():
        if other != question.diner and (shared := len(mine & places.keys())):
            likeness = shared / math.sqrt(len(mine) * len(places))
            for place in places:
                chosen[place] += likeness
    home = known.home(question)
    at = known.diners.places
    return {
        place: (chosen[place] + NO_NEIGHBOUR)
        * math.exp(-kilometres(home, at[place]) / NEIGHBOURHOOD_KM if home else 0.0)
        for place in known.candidates(question)
    }


def baselines(seed: int) -> dict[str, Way]:
    """By the names they have in the report."""
    return {
        "random": by_chance(seed),
        "popularity": by_popularity,
        "nearest": by_nearness,
        "stated_cuisine": by_stated_cuisine,
        "neighbour_and_nearness": by_neighbours_and_nearness,
    }
