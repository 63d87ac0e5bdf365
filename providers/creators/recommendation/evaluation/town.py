"""What is known when a question is asked: ratings without the answer, and how far everything is from everything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from providers.creators.recommendation.evaluation.diners import Diners
from providers.creators.recommendation.nearness import Point, kilometres, middle_of
from providers.creators.recommendation.taste import Choices


class Distances:
    """Kilometres between places, each pair worked out once."""

    def __init__(self, places: Mapping[str, Point]) -> None:
        self._rows = {
            place: {other: kilometres(point, there) for other, there in places.items()}
            for place, point in places.items()
        }

    def between(self, place: str, others: Iterable[str]) -> list[float]:
        row = self._rows[place]
        return [row[other] for other in others]


@dataclass(frozen=True)
class Question:
    """Which place did the diner like? `hidden`: the answer is still among the known ratings and has to be passed over."""

    diner: str
    answer: str
    hidden: bool = True


@dataclass(frozen=True)
class Known:
    """The ratings somebody who recommends may look at."""

    diners: Diners
    distances: Distances
    ratings: Mapping[str, Mapping[str, int]]

    @cached_property
    def choices(self) -> Choices[str, str]:
        """Being rated at all counts as chosen: who went there lives near and eats such things."""
        return Choices({diner: own.keys() for diner, own in self.ratings.items()})

    def history(self, question: Question) -> list[str]:
        """Where the diner is known to have been, the answer left out."""
        own = self.ratings.get(question.diner, {})
        return [place for place in own if place != question.answer]

    def candidates(self, question: Question) -> list[str]:
        """Every place the diner is not known to have been to; the answer is one of them."""
        been = set(self.history(question))
        return [place for place in self.diners.places if place not in been]

    def popularity(self, question: Question, place: str) -> int:
        """How many are known to have been there, the asked diner's answer not counted."""
        return self.choices.popularity(place) - (question.hidden and place == question.answer)

    def home(self, question: Question) -> Point | None:
        return middle_of([self.diners.places[place] for place in self.history(question)])

    def only(self, diners: Iterable[str]) -> "Known":
        """As if the others had never been there."""
        return Known(self.diners, self.distances, {diner: self.ratings[diner] for diner in diners})

    def questions(self) -> list[Question]:
        """Every known rating of 2, to be left out in turn."""
        return [
            Question(diner, place)
            for diner, place in self.diners.liked()
            if place in self.ratings.get(diner, {})
        ]
