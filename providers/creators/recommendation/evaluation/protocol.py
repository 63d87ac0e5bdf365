"""How the question is asked, so that no answer has a hand in what answers it.

Leave one out (`leave_one_out`): every rating of 2 is left out in turn and looked for among all places the diner is not known
to have been to. What the weights and settings are learned from is cut by diners: they fall by the seed into five groups, and
a group is answered with weights learned from the other four alone, as if the group's diners had never been there. When it is
answered, all ratings but the one that is asked for are known.

Hidden at once (`hide_a_fifth`): the ratings of 2 fall by the seed into five parts, and a whole part is hidden at a time, also
from the learning. Harder, since the town is known less well; it shows whether the model leans on knowing nearly everything.
What else of the same diner is hidden is not ranked: it would be no mistake to put it first.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from providers.creators.recommendation.evaluation.baselines import Way, baselines
from providers.creators.recommendation.evaluation.diners import Diners
from providers.creators.recommendation.evaluation.measures import Quality, quality_of, rank_of
from providers.creators.recommendation.evaluation.model import Model, learn
from providers.creators.recommendation.evaluation.town import Distances, Known, Question

PARTS = 5


@dataclass(frozen=True)
class Outcome:
    """The model's quality, each baseline's on the same questions, and what was learned for each part."""

    questions: int
    quality: Quality
    baselines: Mapping[str, Quality]
    models: list[Model]


def leave_one_out(diners: Diners, *, seed: int) -> Outcome:
    """See above."""
    known = Known(diners, Distances(diners.places), diners.ratings)
    names = sorted(diners.ratings)
    groups = _parts(names, seed)
    asked = _Asked(seed)
    for group in groups:
        model = learn(known.only(name for name in names if name not in group), seed=seed)
        questions = [question for question in known.questions() if question.diner in group]
        asked.ask(known, questions, model)
    return asked.outcome()


def hide_a_fifth(diners: Diners, *, seed: int) -> Outcome:
    """See above."""
    distances = Distances(diners.places)
    asked = _Asked(seed)
    for part in _parts(diners.liked(), seed):
        left = {
            diner: {place: rating for place, rating in own.items() if (diner, place) not in part}
            for diner, own in diners.ratings.items()
        }
        known = Known(diners, distances, left)
        questions = [Question(diner, place, hidden=False) for diner, place in sorted(part)]
        asked.ask(known, questions, learn(known, seed=seed))
    return asked.outcome()


class _Asked:
    """Ranks of the answers so far, by way."""

    def __init__(self, seed: int) -> None:
        self._ways = baselines(seed)
        self._ranks: dict[str, list[float]] = {name: [] for name in ("model", *self._ways)}
        self._models: list[Model] = []

    def ask(self, known: Known, questions: list[Question], model: Model) -> None:
        self._models.append(model)
        ways: dict[str, Way] = {"model": model, **self._ways}
        for question in questions:
            others = known.diners.ratings[question.diner].keys() - {question.answer}
            for name, way in ways.items():
                scores = way(known, question)
                ranked = {place: value for place, value in scores.items() if place not in others}
                self._ranks[name].append(rank_of(question.answer, ranked))

    def outcome(self) -> Outcome:
        qualities = {name: quality_of(ranks) for name, ranks in self._ranks.items()}
        count = len(self._ranks["model"])
        return Outcome(count, qualities.pop("model"), qualities, self._models)


def _parts(things: list, seed: int) -> list[set]:
    """Five parts of as equal size as can be, told by the seed alone."""
    mixed = list(things)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - no secret
    return [set(mixed[place::PARTS]) for place in range(PARTS)]
