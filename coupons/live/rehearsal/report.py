"""What came of a rehearsal: figures, and go or no-go with its reasons. Written once as JSON; sentences are made when read."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from coupons.live.domain.rehearsals import DAYS_AHEAD, ROUNDS_WANTED
from coupons.live.domain.shadow_shop import ShadowShop
from coupons.live.models import Rehearsal
from coupons.live.rehearsal.books import check_books
from coupons.live.rehearsal.bottleneck import Bottleneck, Sample, average_samples, name_bottleneck
from coupons.live.rehearsal.faults import Fault
from coupons.live.rehearsal.machine import count_cores
from coupons.live.rehearsal.plan import VALID_SECONDS, Plan
from coupons.live.rehearsal.processes import WEB_PROCESSES, WORKER_PROCESSES

FORMAT = 1
REACHED_SHARE = 0.9  # of the peak that was asked for
MOST_P95_MS = 1_000
MOST_ERROR_SHARE = 0.01  # of orders: no answer, or a broken one
MOST_RECOVERY_SECONDS = 60


@dataclass(frozen=True)
class Seen:
    """Everything measured. `sold_at`: second of the load, pieces sold until then."""

    plan: Plan
    samples: Sequence[Sample]
    sold_at: Sequence[tuple[float, int]]
    final: dict[str, Any]
    errors: dict[str, int]
    faults: Sequence[Fault]
    pauses: Sequence[tuple[float, float]] = ()
    sold: int = 0
    stock: int = 0
    is_drained: bool = True
    dead_jobs: int = 0
    series: list[dict[str, Any]] = field(default_factory=list)


def make_report(
    *,
    rehearsal: Rehearsal,
    shop: ShadowShop,
    seen: Seen,
    on_counted: Callable[[str, int], object] = lambda name, rows: None,
) -> dict[str, Any]:
    """The whole report; the verdict is reckoned from nothing else than what stands in it.

    `on_counted` is called after each invariant: over a big database they take a while.
    """
    bottleneck = name_bottleneck(
        seen.samples,
        cores=count_cores(),
        web_processes=WEB_PROCESSES,
        worker_processes=WORKER_PROCESSES,
        pauses=seen.pauses,
    )
    report: dict[str, Any] = {
        "format": FORMAT,
        "at": timezone.now().isoformat(),
        "session": {
            "title": rehearsal.session.title,
            "planned_from": rehearsal.session.planned_from.isoformat(),
        },
        "asked": {
            "peak": rehearsal.peak,
            "seconds": rehearsal.seconds,
            "has_overload": rehearsal.has_overload,
        },
        "machine": {"cores": count_cores()},
        "steps": count_steps(seen),
        "after_steps": {
            "orders": _orders(seen, -1),
            "sold": seen.sold - _sold_until(seen, seen.plan.seconds),
        },
        "requests": seen.final["requests"],
        "answers": seen.final["answers"],
        "errors": seen.errors,
        "faults": [fault.as_json() for fault in seen.faults],
        "bottleneck": bottleneck.as_json(),
        "sold": seen.sold,
        "stock": seen.stock,
        "deals": [{"title": row.deal.title, "price_fen": row.deal.price_fen} for row in shop.rows],
        "is_drained": seen.is_drained,
        "dead_jobs": seen.dead_jobs,
        "invariants": check_books(merchant_id=shop.merchant.pk, on_counted=on_counted),
        "series": seen.series,
    }
    report["verdict"] = judge(report)
    return report


def count_steps(seen: Seen) -> list[dict[str, Any]]:
    """Each step: asked for and reached orders a second, times of placing an order, pieces sold, means of the machine."""
    steps = []
    for number, (start, step) in enumerate(zip(seen.plan.starts, seen.plan.steps, strict=True)):
        end = start + step.seconds
        figures = seen.final["steps"].get(str(number), {})
        steps.append(
            {
                "asked": step.rate,
                "seconds": round(step.seconds, 1),
                "is_overload": step.is_overload,
                "orders": figures.get("orders", 0),
                "rate": round(figures.get("orders", 0) / step.seconds, 1),
                **{name: figures.get(name) for name in ("p50_ms", "p95_ms", "p99_ms")},
                "sold": _sold_until(seen, end) - _sold_until(seen, start),
                "machine": average_samples(seen.samples, begin=start, end=end),
            }
        )
    return steps


def judge(report: dict[str, Any]) -> dict[str, Any]:
    """Go or no-go; each reason is a code with its figures. `is_valid`: long enough to prove anything."""
    reasons: list[dict[str, Any]] = []

    def object_to(code: str, **facts: Any) -> None:
        reasons.append({"code": code, **facts})

    is_valid = report["asked"]["seconds"] >= VALID_SECONDS
    if not is_valid:
        object_to("too_short", seconds=report["asked"]["seconds"], wanted=VALID_SECONDS)
    broken = {name: rows for name, rows in report["invariants"].items() if rows}
    if broken:
        object_to("invariants_broken", count=len(broken), names=sorted(broken))
    if report["sold"] != report["stock"]:
        object_to("not_sold_exactly", sold=report["sold"], stock=report["stock"])
    if report["dead_jobs"] or not report["is_drained"]:
        object_to("jobs_left", dead=report["dead_jobs"])
    top = [step for step in report["steps"] if not step["is_overload"]][-1]
    if top["rate"] < top["asked"] * REACHED_SHARE:
        object_to("peak_not_reached", rate=top["rate"], asked=top["asked"])
    if top["p95_ms"] is None or top["p95_ms"] > MOST_P95_MS:
        object_to("too_slow", p95_ms=top["p95_ms"], most=MOST_P95_MS)
    placed = sum(step["orders"] for step in report["steps"]) + report["after_steps"]["orders"]
    failed = sum(count for name, count in report["errors"].items() if name.startswith("order "))
    if failed > placed * MOST_ERROR_SHARE:
        object_to("errors", failed=failed, placed=placed)
    for fault in report["faults"]:
        seconds = fault["recovered_seconds"]
        if seconds is None or seconds > MOST_RECOVERY_SECONDS:
            object_to("not_recovered", kind=fault["kind"], seconds=seconds, most=MOST_RECOVERY_SECONDS)
    return {"go": not reasons, "is_valid": is_valid, "reasons": reasons}


def stable_json(report: dict[str, Any]) -> dict[str, Any]:
    """What `manage.py rehearse --json` prints: these keys stay."""
    return {
        "steps": [
            {name: step[name] for name in ("rate", "p50_ms", "p95_ms", "p99_ms", "sold")}
            for step in report["steps"]
        ],
        "sold": report["sold"],
        "stock": report["stock"],
        "broken": {name: rows for name, rows in report["invariants"].items() if rows},
        "go": report["verdict"]["go"],
    }


def sustained_rate(report: dict[str, Any]) -> float:
    """The highest number of orders a second that a whole step kept up."""
    return max((step["rate"] for step in report["steps"]), default=0.0)


@dataclass(frozen=True)
class Rounds:
    """Whether the session was rehearsed often enough, early enough; the first round may well find something."""

    done: int
    wanted: int
    deadline: Any
    last_is_go: bool

    @property
    def is_enough(self) -> bool:
        return self.done >= self.wanted and self.last_is_go

    @property
    def can_still_be(self) -> bool:
        return timezone.now() <= self.deadline


def count_rounds(*, rehearsal: Rehearsal, in_time: Sequence[Rehearsal]) -> Rounds:
    return Rounds(
        done=len(in_time),
        wanted=ROUNDS_WANTED,
        deadline=rehearsal.session.planned_from - timedelta(days=DAYS_AHEAD),
        last_is_go=bool(in_time and in_time[-1].go),
    )


def read_bottleneck(report: dict[str, Any]) -> Bottleneck:
    return Bottleneck(**report["bottleneck"])


def _orders(seen: Seen, step: int) -> int:
    return int(seen.final["steps"].get(str(step), {}).get("orders", 0))


def _sold_until(seen: Seen, second: float) -> int:
    return max((sold for at, sold in seen.sold_at if at <= second), default=0)


MOST_POINTS = 150


def thin_series(lines: Sequence[dict[str, Any]], samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The curve of the run in at most MOST_POINTS points: orders a second and its slowest second's p95, and the processor."""
    if not lines:
        return []
    width = max(1, math.ceil(lines[-1]["second"] / MOST_POINTS))
    bins: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        bins.setdefault(int(line["second"]) // width, []).append(line)
    busy: dict[int, list[float]] = {}
    for sample in samples:
        if sample.machine is not None:
            busy.setdefault(int(sample.second) // width, []).append(sample.machine)
    return [
        {
            "second": number * width,
            "rate": round(sum(line["orders"] for line in inside) / len(inside), 1),
            "p95_ms": max((line["p95_ms"] for line in inside if line["p95_ms"]), default=None),
            "machine": round(sum(busy[number]) / len(busy[number]), 2) if number in busy else None,
        }
        for number, inside in sorted(bins.items())
    ]
