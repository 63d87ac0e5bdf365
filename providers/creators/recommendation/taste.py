"""What goes with what somebody chose: a walk of three steps through everybody's choices.

From what he chose to those who chose it too, and on to what else they chose. Each step shares itself out evenly, so a person
who chose a hundred things speaks no louder than one who chose three. What everybody chooses is reached by many walks;
`damping` takes that advantage back by so much (0: none of it, 1: all of it).
"""

import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping
from typing import Generic, TypeVar

Person = TypeVar("Person", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)

UNREACHED = 0.001  # of a walk that does not arrive, so that its logarithm exists


class Choices(Generic[Person, Item]):
    """Who chose what."""

    def __init__(self, chosen: Mapping[Person, Collection[Item]]) -> None:
        self._chosen = {person: frozenset(items) for person, items in chosen.items()}
        self._choosers: dict[Item, set[Person]] = defaultdict(set)
        for person, items in self._chosen.items():
            for item in items:
                self._choosers[item].add(person)

    def walk(self, person: Person, *, without: Item | None = None) -> dict[Item, float]:
        """Where walks from the person's own choices arrive; `without`: as if he had not chosen that."""
        mine = [item for item in self._chosen.get(person, ()) if item != without]
        arrived: dict[Item, float] = defaultdict(float)
        for item in mine:
            step = 1 / len(self._choosers[item])
            for other in self._choosers[item]:
                if other != person:
                    onward = step / len(self._chosen[other])
                    for reached in self._chosen[other]:
                        arrived[reached] += onward
        return arrived

    def companions(self, item: Item) -> dict[Item, float]:
        """Where walks from one thing arrive elsewhere, whoever walks; together at most 1."""
        arrived: dict[Item, float] = defaultdict(float)
        choosers = self._choosers.get(item, set())
        for person in choosers:
            for reached in self._chosen[person]:
                if reached != item:
                    arrived[reached] += 1 / len(choosers) / len(self._chosen[person])
        return dict(arrived)

    def popularity(self, item: Item) -> int:
        """How many chose it."""
        return len(self._choosers.get(item, ()))


def taste(walked: float, popularity: int, *, damping: float) -> float:
    """The signal of what a walk brought to something that so many chose."""
    return math.log(walked / max(popularity, 1) ** damping + UNREACHED)
