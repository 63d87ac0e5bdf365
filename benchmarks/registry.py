"""Which benchmarks there are, what they are told and what they answer."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks import cases
from benchmarks.figures import Figures, middle

# The order in which `make bench` runs them; what is not named here comes after.
ORDER = ("redeem", "order-hot", "order-spread", "mint", "settle", "sweep-expiry", "dashboard", "board")


@dataclass(frozen=True)
class Options:
    """None: the case's own default."""

    seconds: float = 3.0  # of one round
    rounds: int = 3
    rows: int | None = None
    connections: int = 8
    kills: int = 0  # of its workers while they work, where it has any


@dataclass(frozen=True)
class Result:
    """The keys of the JSON (None: does not apply), and `more`: rows of further figures for the table."""

    name: str = ""
    ours_per_s: float | None = None
    limit_per_s: float | None = None
    floor_per_s: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    web_cpu_ms: float | None = None
    db_cpu_ms: float | None = None
    more: Sequence[Mapping[str, Any]] = field(default=())

    @classmethod
    def of_rounds(
        cls, rounds: Mapping[str, Sequence[Figures]], *, ratio: tuple[str, str], ours: str = "ours"
    ) -> "Result":
        """Medians over rounds named "floor", "limit" and `ours`; `ratio` names the two whose quotient counts.

        The ratio is the median of the rounds' own ratios, which a drifting machine disturbs least.
        """
        middles = {name: middle(figures) for name, figures in rounds.items()}
        mine = middles[ours]
        return cls(
            ours_per_s=mine.per_s,
            limit_per_s=middles["limit"].per_s if "limit" in middles else None,
            floor_per_s=middles["floor"].per_s if "floor" in middles else None,
            ratio=ratio_of_rounds(rounds[ratio[0]], rounds[ratio[1]]),
            p50_ms=mine.p50_ms,
            p95_ms=mine.p95_ms,
            p99_ms=mine.p99_ms,
            web_cpu_ms=mine.web_cpu_ms,
            db_cpu_ms=mine.db_cpu_ms,
            more=[{"what": name, **asdict(figures)} for name, figures in middles.items()],
        )

    def as_json(self) -> dict[str, Any]:
        """Exactly the keys of the command's contract, rounded to what a measurement can mean."""
        values = asdict(self)
        del values["more"]
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}


def ratio_of_rounds(upper: Sequence[Figures], lower: Sequence[Figures]) -> float:
    """The median of the quotients of rounds that ran beside each other."""
    quotients = sorted(one.per_s / other.per_s for one, other in zip(upper, lower, strict=True))
    return quotients[len(quotients) // 2]


Case = Callable[[Options], Result]


@dataclass(frozen=True)
class Bench:
    name: str
    help: str
    run: Case


_benches: dict[str, Bench] = {}


def bench(name: str, *, help: str) -> Callable[[Case], Case]:  # noqa: A002 - as argparse calls it
    """Register a function as `manage.py bench NAME`."""

    def register(run: Case) -> Case:
        _benches[name] = Bench(name=name, help=help, run=run)
        return run

    return register


def find_benches() -> dict[str, Bench]:
    """All benchmarks, in the order in which they are run."""
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{module.name}")
    places = {name: place for place, name in enumerate(ORDER)}
    return dict(sorted(_benches.items(), key=lambda item: (places.get(item[0], len(ORDER)), item[0])))
