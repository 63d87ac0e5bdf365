"""What a rehearsal does when: steps of load, then the sale of what is left; and when what is broken. No Django here.

The load generator reads it as JSON in a process of its own.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

SHARES = (0.3, 0.6, 1.0)  # of the peak, one step each
OVERLOAD_SHARE = 1.3
VALID_SECONDS = 300  # a shorter rehearsal proves nothing
PACE_SECONDS = 10.0  # a shadow customer begins an order so often
SELL_OUT_MOST_SECONDS = 900

WORKER, SLOW_PROVIDER, DISORDER, REDIS = "worker_killed", "slow_provider", "disorder", "redis_restarted"
# Fault -> the part of the run it begins at, and the one it ends at where it lasts.
SCRIPT = {
    WORKER: (0.20, None),
    SLOW_PROVIDER: (0.30, 0.40),
    DISORDER: (0.50, 0.70),
    REDIS: (0.80, None),
}


@dataclass(frozen=True)
class Step:
    """`rate` orders are asked for each second, for so many seconds; a step over the peak is no measure of it."""

    rate: float
    seconds: float
    is_overload: bool = False

    @property
    def shoppers(self) -> int:
        """Shadow customers at once: each begins an order every PACE_SECONDS."""
        return max(1, round(self.rate * PACE_SECONDS))


@dataclass(frozen=True)
class PlannedFault:
    """`at` and `until` are seconds from the start of the load."""

    kind: str
    at: float
    until: float | None = None


@dataclass(frozen=True)
class Plan:
    steps: list[Step] = field(default_factory=list)
    faults: list[PlannedFault] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def orders(self) -> int:
        """Orders asked for in all."""
        return round(sum(step.rate * step.seconds for step in self.steps))

    @property
    def starts(self) -> list[float]:
        """When each step begins."""
        starts, at = [], 0.0
        for step in self.steps:
            starts.append(at)
            at += step.seconds
        return starts

    def step_at(self, second: float) -> int | None:
        """The number of the step that runs then; None when the steps are over."""
        for number, (start, step) in enumerate(zip(self.starts, self.steps, strict=True)):
            if start <= second < start + step.seconds:
                return number
        return None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_plan(data: dict[str, Any]) -> Plan:
    return Plan(
        steps=[Step(**step) for step in data["steps"]],
        faults=[PlannedFault(**fault) for fault in data["faults"]],
    )


def make_plan(*, peak: int, minutes: float, overload: bool = False) -> Plan:
    """Three steps up to the peak (a fourth above it with `overload`), equally long, and the faults at their times."""
    shares = (*SHARES, OVERLOAD_SHARE) if overload else SHARES
    seconds = minutes * 60
    steps = [
        Step(rate=round(peak * share, 2), seconds=seconds / len(shares), is_overload=share > 1)
        for share in shares
    ]
    faults = [
        PlannedFault(kind, at=round(begin * seconds, 1), until=end and round(end * seconds, 1))
        for kind, (begin, end) in SCRIPT.items()
    ]
    return Plan(steps=steps, faults=faults)
