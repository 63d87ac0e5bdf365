"""What a rehearsal reckons: its plan, percentiles, first bottleneck and verdict."""

import pytest

from coupons.live.rehearsal.bottleneck import Sample, name_bottleneck
from coupons.live.rehearsal.plan import DISORDER, REDIS, SLOW_PROVIDER, WORKER, make_plan, read_plan
from coupons.live.rehearsal.processes import in_lane
from coupons.live.rehearsal.report import Seen, count_steps, judge, stable_json, thin_series
from coupons.live.rehearsal.tally import Tally, bucket_of, percentile


class TestPlan:
    def test_three_steps_up_to_the_peak_and_every_fault(self):
        plan = make_plan(peak=60, minutes=5)
        assert [(step.rate, step.seconds, step.shoppers) for step in plan.steps] == [
            (18, 100, 180),
            (36, 100, 360),
            (60, 100, 600),
        ]
        assert plan.seconds == 300
        assert plan.orders == 11_400
        assert [(fault.kind, fault.at, fault.until) for fault in plan.faults] == [
            (WORKER, 60, None),
            (SLOW_PROVIDER, 90, 120),
            (DISORDER, 150, 210),
            (REDIS, 240, None),
        ]
        assert [plan.step_at(second) for second in (0, 99.9, 100, 299, 300)] == [0, 0, 1, 2, None]

    def test_a_step_above_the_peak_is_marked(self):
        plan = make_plan(peak=100, minutes=4, overload=True)
        assert [step.rate for step in plan.steps] == [30, 60, 100, 130]
        assert [step.is_overload for step in plan.steps] == [False, False, False, True]

    def test_the_generator_reads_what_was_written(self):
        plan = make_plan(peak=7, minutes=0.5, overload=True)
        assert read_plan(plan.as_json()) == plan


class TestTally:
    def test_percentiles_are_exact_below_twenty_and_within_a_twentieth_above(self):
        assert percentile({bucket_of(ms): 1 for ms in range(1, 21)}, 50) == 10
        assert percentile({bucket_of(ms): 1 for ms in range(1, 21)}, 95) == 19
        assert percentile({}, 95) is None
        for ms in (21, 99, 250, 1_000, 12_345):
            assert ms <= bucket_of(ms) <= ms * 1.05 + 1

    def test_orders_are_counted_by_step_and_only_placed_ones_by_time(self):
        tally = Tally()
        tally.count_time("order", 12, 0)
        tally.count_order(0)
        tally.count_time("order", 900, 0, accepted=False)
        tally.count_answer("order", "sold_out")
        tally.count_time("order", 30, None)
        tally.count_order(None)
        tally.count_error("pay", "no_answer")
        assert tally.take_second() == {"orders": 2, "errors": 1, "p50_ms": 12, "p95_ms": 32, "p99_ms": 32}
        assert tally.take_second()["orders"] == 0
        final = tally.sum_up()
        assert final["steps"] == {
            "-1": {"orders": 1, "p50_ms": None, "p95_ms": None, "p99_ms": None},
            "0": {"orders": 1, "p50_ms": 12, "p95_ms": 12, "p99_ms": 12},
        }
        assert final["requests"]["order"]["count"] == 3
        assert final["answers"] == {"order sold_out": 1}


def run_of(**figures: float) -> list[Sample]:
    return [Sample(second=float(second), **figures) for second in range(6, 12)]


def name(samples: list[Sample], **more):
    return name_bottleneck(samples, cores=2, web_processes=2, worker_processes=2, **more)


class TestBottleneck:
    def test_nothing_is_full(self):
        found = name(run_of(web=0.8, database=0.5, machine=0.7, generator=0.3))
        assert (found.part, found.is_measured) == ("", True)

    def test_without_proc_it_says_that_it_did_not_look(self):
        assert not name(run_of()).is_measured

    @pytest.mark.parametrize(
        ("figures", "part"),
        [
            ({"generator": 0.95, "machine": 0.6}, "generator"),
            ({"web": 1.9, "machine": 0.9}, "web"),
            ({"worker": 1.85, "machine": 0.9}, "worker"),
            ({"database": 1.9, "machine": 0.9}, "database"),
            ({"machine": 0.99, "web": 1.1, "database": 0.6}, "processor"),
            ({"busy": 10, "waiting_locks": 6, "machine": 0.5}, "locks"),
            ({"busy": 10, "waiting_disk": 6, "machine": 0.5}, "disk"),
            ({"connections": 95, "most_connections": 100, "machine": 0.5}, "connections"),
            ({"lag_seconds": 6.0, "machine": 0.5}, "queue"),
        ],
    )
    def test_what_is_full_for_three_seconds_is_named(self, figures, part):
        found = name(run_of(**figures))
        assert (found.part, found.second) == (part, 8.0)

    def test_two_seconds_are_not_enough(self):
        calm, full = Sample(second=6, machine=0.5), {"machine": 1.0}
        samples = [calm, Sample(second=7, **full), Sample(second=8, **full), Sample(second=9, machine=0.5)]
        assert name(samples).part == ""

    def test_the_first_in_time_wins(self):
        samples = [Sample(second=float(at), machine=0.8, lag_seconds=9.0) for at in range(6, 10)]
        samples += [Sample(second=float(at), machine=1.0, web=1.9) for at in range(10, 16)]
        assert name(samples).part == "queue"

    def test_of_a_full_processor_the_biggest_user_is_told(self):
        found = name(run_of(machine=1.0, web=1.2, database=0.4, worker=0.2, generator=0.2))
        assert (found.biggest, round(found.biggest_share, 2)) == ("web", 0.6)

    def test_a_queue_that_waits_because_the_worker_was_killed_says_nothing(self):
        assert name(run_of(lag_seconds=9.0, machine=0.5), pauses=[(5, 20)]).part == ""


def report(**changes):
    plan = make_plan(peak=10, minutes=5)
    seen = Seen(
        plan=plan,
        samples=[],
        sold_at=[(99, 250), (199, 700), (299, 1_500), (330, 1_600)],
        final={
            "steps": {
                str(step): {"orders": orders, "p50_ms": 20, "p95_ms": 60, "p99_ms": 90}
                for step, orders in enumerate((300, 600, 1_000))
            },
            "requests": {},
            "answers": {},
        },
        errors={},
        faults=[],
    )
    return {
        "asked": {"peak": 10, "seconds": 300, "has_overload": False},
        "steps": count_steps(seen),
        "after_steps": {"orders": 20, "sold": 100},
        "errors": {},
        "faults": [{"kind": WORKER, "recovered_seconds": 4.0}],
        "sold": 1_600,
        "stock": 1_600,
        "is_drained": True,
        "dead_jobs": 0,
        "invariants": {"a": 0, "b": 0},
    } | changes


class TestVerdict:
    def test_steps_say_what_was_reached_and_sold(self):
        assert [(step["asked"], step["rate"], step["sold"]) for step in report()["steps"]] == [
            (3, 3.0, 250),
            (6, 6.0, 450),
            (10, 10.0, 800),
        ]

    def test_go(self):
        assert judge(report()) == {"go": True, "is_valid": True, "reasons": []}

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            (
                {"asked": {"peak": 10, "seconds": 240, "has_overload": False}},
                {"code": "too_short", "seconds": 240, "wanted": 300},
            ),
            (
                {"invariants": {"a": 0, "b": 2}},
                {"code": "invariants_broken", "count": 1, "names": ["b"]},
            ),
            ({"sold": 1_601}, {"code": "not_sold_exactly", "sold": 1_601, "stock": 1_600}),
            ({"sold": 1_599}, {"code": "not_sold_exactly", "sold": 1_599, "stock": 1_600}),
            ({"dead_jobs": 1}, {"code": "jobs_left", "dead": 1}),
            ({"is_drained": False}, {"code": "jobs_left", "dead": 0}),
            ({"errors": {"order no_answer": 20}}, {"code": "errors", "failed": 20, "placed": 1_920}),
            (
                {"faults": [{"kind": REDIS, "recovered_seconds": None}]},
                {"code": "not_recovered", "kind": REDIS, "seconds": None, "most": 60},
            ),
            (
                {"faults": [{"kind": REDIS, "recovered_seconds": 61.0}]},
                {"code": "not_recovered", "kind": REDIS, "seconds": 61.0, "most": 60},
            ),
        ],
    )
    def test_one_thing_wrong_is_no_go_and_named(self, changes, reason):
        assert judge(report(**changes))["reasons"] == [reason]
        assert judge(report(**changes))["go"] is False

    def test_a_few_lost_answers_are_no_reason(self):
        assert judge(report(errors={"order no_answer": 19, "look 500": 500}))["go"]

    def test_the_peak_must_be_reached_and_answered_in_time(self):
        slow = report()
        slow["steps"][-1] |= {"rate": 8.9, "p95_ms": 1_200}
        assert judge(slow)["reasons"] == [
            {"code": "peak_not_reached", "rate": 8.9, "asked": 10},
            {"code": "too_slow", "p95_ms": 1_200, "most": 1_000},
        ]

    def test_the_stable_keys(self):
        made = report()
        made["verdict"] = judge(made)
        assert stable_json(made) == {
            "steps": [
                {"rate": 3.0, "p50_ms": 20, "p95_ms": 60, "p99_ms": 90, "sold": 250},
                {"rate": 6.0, "p50_ms": 20, "p95_ms": 60, "p99_ms": 90, "sold": 450},
                {"rate": 10.0, "p50_ms": 20, "p95_ms": 60, "p99_ms": 90, "sold": 800},
            ],
            "sold": 1_600,
            "stock": 1_600,
            "broken": {},
            "go": True,
        }

    def test_the_curve_is_thinned_to_at_most_150_points(self):
        lines = [{"second": float(at), "orders": 2, "p95_ms": at} for at in range(1, 601)]
        series = thin_series(lines, [Sample(second=2.0, machine=0.5), Sample(second=3.0, machine=0.7)])
        assert len(series) <= 151
        assert series[1] == {"second": 4, "rate": 2.0, "p95_ms": 7, "machine": None}
        assert series[0]["machine"] == 0.6


@pytest.mark.parametrize(
    ("url", "with_lane"),
    [
        ("postgresql://u@h/d", "postgresql://u@h/d?options=-c%20tongdao.lane%3Drehearsal-3"),
        ("postgresql://u@/d?host=/run&port=5432", "postgresql://u@/d?host=/run&port=5432&options=-c%20tongdao.lane%3Drehearsal-3"),
    ],
)  # fmt: skip
def test_every_connection_of_its_processes_is_in_its_lane(url, with_lane):
    import environ

    assert in_lane(url, "rehearsal-3") == with_lane
    assert environ.Env.db_url_config(with_lane)["OPTIONS"]["options"] == "-c tongdao.lane=rehearsal-3"
