"""A rehearsal as its process leaves it, for tests that look at it."""

from typing import Any

from django.utils import timezone
from django_scopes import scope

from coupons.live.enums import RehearsalFailure, RehearsalState
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.rehearsal.bottleneck import Sample
from coupons.live.rehearsal.faults import Fault
from coupons.live.rehearsal.plan import make_plan
from coupons.live.rehearsal.report import Seen, count_steps, judge, thin_series
from identity.models import User


def sample_report(
    *, title: str = "周六夜场", peak: int = 10, minutes: int = 5, **changes: Any
) -> dict[str, Any]:
    """Go, unless something in it is changed; the verdict is reckoned from what stands in it."""
    plan = make_plan(peak=peak, minutes=minutes)
    lines = [
        {"second": float(second), "orders": 10 if plan.step_at(second) == 2 else 5, "errors": 0, "p95_ms": 40 + second % 30}
        for second in range(1, round(plan.seconds))
    ]  # fmt: skip
    samples = [
        Sample(
            second=float(second), web=0.6, worker=0.3, relay=0.01, database=0.4, valkey=0.02, generator=0.2, others=0.1,
            machine=0.8, connections=20, most_connections=200, lag_seconds=0.5,
        )
        for second in range(1, round(plan.seconds))
    ]  # fmt: skip
    seen = Seen(
        plan=plan,
        samples=samples,
        sold_at=[(float(second), second * 10) for second in range(round(plan.seconds))],
        final={
            "steps": {
                str(step): {"orders": round(one.rate * one.seconds), "p50_ms": 20, "p95_ms": 60, "p99_ms": 90}
                for step, one in enumerate(plan.steps)
            },
            "requests": {},
            "answers": {},
        },
        errors={},
        faults=[Fault(kind=fault.kind, at=fault.at, until=fault.until, recovered_seconds=4.0) for fault in plan.faults],
    )  # fmt: skip
    report: dict[str, Any] = {
        "format": 1,
        "at": timezone.now().isoformat(),
        "session": {"title": title, "planned_from": timezone.now().isoformat()},
        "asked": {"peak": peak, "seconds": minutes * 60, "has_overload": False},
        "machine": {"cores": 2},
        "steps": count_steps(seen),
        "after_steps": {"orders": 3, "sold": 6},
        "requests": {"order": {"count": 1_900, "p50_ms": 20, "p95_ms": 60, "p99_ms": 90}},
        "answers": {"order sold_out": 40},
        "errors": {},
        "faults": [fault.as_json() for fault in seen.faults],
        "bottleneck": {"part": "processor", "second": 212.0, "biggest": "web", "biggest_share": 0.46, "is_measured": True},
        "sold": 2_996,
        "stock": 2_996,
        "deals": [{"title": "双人鸳鸯锅套餐", "price_fen": 12_800}],
        "is_drained": True,
        "dead_jobs": 0,
        "invariants": {"stock_equals_orders": 0, "paid_orders_have_their_coupons": 0},
        "series": thin_series(lines, samples),
    } | changes  # fmt: skip
    return report | {"verdict": judge(report)}


def put_rehearsal(
    *,
    session: LiveSession,
    title: str = "周六夜场",
    by: User | None = None,
    state: RehearsalState = RehearsalState.FINISHED,
    **changes: Any,
) -> Rehearsal:
    """A rehearsal in this state; a finished one with a report."""
    report = sample_report(title=title, **changes) if state == RehearsalState.FINISHED else None
    is_over = state not in (RehearsalState.REQUESTED, RehearsalState.RUNNING)
    with scope(merchant=session.merchant_id):
        return Rehearsal.objects.create(
            merchant_id=session.merchant_id,
            session=session,
            peak=10,
            seconds=300,
            asked_by=by,
            state=state,
            phase="loading" if state == RehearsalState.RUNNING else "",
            started_at=None if state == RehearsalState.REQUESTED else timezone.now(),
            heartbeat_at=timezone.now() if state == RehearsalState.RUNNING else None,
            finished_at=timezone.now() if is_over else None,
            failure=RehearsalFailure.LOST if state == RehearsalState.FAILED else "",
            report=report,
            go=report["verdict"]["go"] if report else None,
        )
