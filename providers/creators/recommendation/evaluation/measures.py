"""Recall and NDCG of one right answer among many candidates."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

TOP = 10


@dataclass(frozen=True)
class Quality:
    """Means over all questions: how often the answer stood among the first ten, and how high."""

    recall_at_10: float
    ndcg_at_10: float

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def rank_of(answer: str, scores: Mapping[str, float]) -> float:
    """The answer's place, best 1. Among equals it stands in the middle: no order of a file may help it."""
    own = scores[answer]
    better = sum(1 for value in scores.values() if value > own)
    equal = sum(1 for value in scores.values() if value == own) - 1
    return 1 + better + equal / 2


def quality_of(ranks: Iterable[float]) -> Quality:
    """With one right answer the best possible sum is 1, so NDCG is 1 / log2(1 + place) within the top, else 0."""
    places = list(ranks)
    found = [place for place in places if place <= TOP]
    return Quality(
        recall_at_10=len(found) / len(places),
        ndcg_at_10=sum(1 / math.log2(1 + place) for place in found) / len(places),
    )
