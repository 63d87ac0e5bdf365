"""The recommendation as it is measured: nearness to home, familiarity of the neighbourhood, taste; weights learned."""

import random
from dataclasses import dataclass
from itertools import product

from providers.creators.recommendation.choice import Choice, fit_weights, score
from providers.creators.recommendation.evaluation.baselines import Scores
from providers.creators.recommendation.evaluation.town import Known, Question
from providers.creators.recommendation.nearness import familiarity, kilometres, nearness
from providers.creators.recommendation.taste import taste

# What is tried out; the learner picks by likelihood, among the ratings it may look at.
REACHES_KM = (0.75, 1.5, 3.0)
DAMPINGS = (0.3, 0.5, 0.7)
# Candidates drawn beside each chosen place: the fit stays consistent (McFadden 1978) and is three times as fast.
PASSED_OVER = 40


@dataclass(frozen=True)
class Model:
    """Weights of nearness, familiarity and taste, and the two settings they were learned with."""

    reach_km: float
    damping: float
    weights: tuple[float, ...]

    def __call__(self, known: Known, question: Question) -> Scores:
        found = _signals(known, question, known.candidates(question), [self.reach_km], [self.damping])
        return {place: score(self.weights, signals) for place, signals in found[0].items()}


def learn(known: Known, *, seed: int) -> Model:
    """Learn from the known ratings of 2, each left out in turn; nothing but `known` is looked at."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    settings = list(product(REACHES_KM, DAMPINGS))
    choices: list[list[Choice]] = [[] for _ in settings]
    for question in known.questions():
        others = [place for place in known.candidates(question) if place != question.answer]
        beside = dice.sample(others, min(PASSED_OVER, len(others)))
        found = _signals(known, question, [question.answer, *beside], REACHES_KM, DAMPINGS)
        for own, signals in zip(choices, found, strict=True):
            own.append(Choice(signals[question.answer], [signals[place] for place in beside]))
    fits = [fit_weights(own) for own in choices]
    best = max(range(len(settings)), key=lambda place: fits[place].log_likelihood)
    reach_km, damping = settings[best]
    return Model(reach_km=reach_km, damping=damping, weights=fits[best].weights)


def _signals(
    known: Known,
    question: Question,
    candidates: list[str],
    reaches_km: "tuple[float, ...] | list[float]",
    dampings: "tuple[float, ...] | list[float]",
) -> list[dict[str, tuple[float, ...]]]:
    """Per setting (every reach with every damping), the signals of each candidate."""
    history = known.history(question)
    home = known.home(question)
    walked = known.choices.walk(question.diner, without=question.answer if question.hidden else None)
    rows: list[dict[str, tuple[float, ...]]] = [{} for _ in product(reaches_km, dampings)]
    for place in candidates:
        near = nearness(kilometres(home, known.diners.places[place])) if home else 0.0
        distances = known.distances.between(place, history)
        families = [familiarity(distances, reach_km=reach) for reach in reaches_km]
        popularity = known.popularity(question, place)
        tastes = [taste(walked.get(place, 0.0), popularity, damping=damping) for damping in dampings]
        for row, (family, liking) in zip(rows, product(families, tastes), strict=True):
            row[place] = (near, family, liking)
    return rows
