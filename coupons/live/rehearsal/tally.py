"""Counts of answers and of times, cheap enough for the load generator: milliseconds in steps of at most five percent."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

GROWTH = math.log(1.05)
PERCENTILES = (50, 95, 99)


def bucket_of(ms: float) -> int:
    """Exact below 20 ms, then buckets that grow by a twentieth; the bucket's upper bound, in ms."""
    if ms <= 20:
        return max(1, math.ceil(ms))
    return math.ceil(math.exp(math.ceil(math.log(ms / 20) / GROWTH) * GROWTH) * 20)


def percentile(buckets: Mapping[int, int], share: float) -> int | None:
    """The time (ms) within which so many percent were answered; None of nothing."""
    total = sum(buckets.values())
    if not total:
        return None
    wanted, seen = math.ceil(total * share / 100), 0
    for ms in sorted(buckets):
        seen += buckets[ms]
        if seen >= wanted:
            return ms
    return max(buckets)


def percentiles(buckets: Mapping[int, int]) -> dict[str, int | None]:
    return {f"p{share}_ms": percentile(buckets, share) for share in PERCENTILES}


class Tally:
    """Of the whole run by request and by step, and of the last second."""

    def __init__(self) -> None:
        self.times: dict[str, Counter[int]] = defaultdict(Counter)  # of every request, by name
        self.order_times: dict[int, Counter[int]] = defaultdict(Counter)  # of placed orders, by step
        self.orders: Counter[int] = Counter()  # accepted, by step; -1 when the steps are over
        self.answers: Counter[str] = Counter()  # refusals and waits, "request code"
        self.errors: Counter[str] = Counter()  # no answer, or a broken one
        self._second: Counter[int] = Counter()
        self._second_orders = 0
        self._second_errors = 0

    def count_time(self, name: str, ms: float, step: int | None, accepted: bool = True) -> None:
        bucket = bucket_of(ms)
        self.times[name][bucket] += 1
        if name == "order" and accepted:
            self._second[bucket] += 1
            if step is not None:
                self.order_times[step][bucket] += 1

    def count_order(self, step: int | None) -> None:
        self.orders[-1 if step is None else step] += 1
        self._second_orders += 1

    def count_answer(self, name: str, code: str) -> None:
        self.answers[f"{name} {code}"] += 1

    def count_error(self, name: str, code: str) -> None:
        self.errors[f"{name} {code}"] += 1
        self._second_errors += 1

    def take_second(self) -> dict[str, Any]:
        """What happened since the last look."""
        taken = {"orders": self._second_orders, "errors": self._second_errors, **percentiles(self._second)}
        self._second, self._second_orders, self._second_errors = Counter(), 0, 0
        return taken

    def sum_up(self) -> dict[str, Any]:
        return {
            "steps": {
                str(step): {"orders": self.orders[step], **percentiles(self.order_times[step])}
                for step in sorted(set(self.orders) | set(self.order_times))
            },
            "requests": {
                name: {"count": sum(buckets.values()), **percentiles(buckets)}
                for name, buckets in sorted(self.times.items())
            },
            "answers": dict(self.answers.most_common()),
        }
