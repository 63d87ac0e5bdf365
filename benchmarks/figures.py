"""What a round measured, and how rounds become one figure."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from core.embedded.processes import say

if TYPE_CHECKING:
    from benchmarks.registry import Options


@dataclass(frozen=True)
class Figures:
    """One round: how many per second, and milliseconds; None where it was not measured."""

    per_s: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    web_cpu_ms: float | None = None
    db_cpu_ms: float | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed; nearest rank. Raises ValueError on none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def middle(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure over the rounds."""
    values = {
        field.name: [value for one in rounds if (value := getattr(one, field.name)) is not None]
        for field in fields(Figures)
    }
    return Figures(**{name: statistics.median(found) if found else None for name, found in values.items()})  # type: ignore[arg-type]


def measure_rounds(
    options: "Options", measured: Mapping[str, Callable[[float], Figures]], *, warm_up_seconds: float = 1.0
) -> dict[str, list[Figures]]:
    """Measure each thing in turn, round after round, after a warm-up of each, which is no longer than a round.

    The order turns round with every round, so that none always follows the same neighbour.
    """
    for name, measure in measured.items():
        say(f"  warming up {name} ...")
        measure(min(warm_up_seconds, options.seconds))
    rounds: dict[str, list[Figures]] = {name: [] for name in measured}
    for number in range(options.rounds):
        names = list(measured) if number % 2 == 0 else list(measured)[::-1]
        for name in names:
            figures = measured[name](options.seconds)
            rounds[name].append(figures)
            say(f"  round {number + 1}, {name}: {figures.per_s:,.0f}/s")
    return rounds


def show_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as aligned text; figures to three places, nothing for None."""
    names = list(rows[0])
    cells = [names, *([_show(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" if not place else f"{cell:>{width}}" for place, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    )  # fmt: skip


def _show(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
