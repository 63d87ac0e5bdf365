"""Expiring coupons and sending their money back: the sweep alone, and with the refunds paid out by Celery workers."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace

from django.db import connection

from benchmarks.checks import require
from benchmarks.cpu import postmaster_pid, stopwatch
from benchmarks.database import settle_down
from benchmarks.figures import Figures
from benchmarks.registry import Options, Result, bench
from benchmarks.trade import QUANTITY, fill_expired, fill_payments, fill_traders
from benchmarks.workers import running_workers
from core.embedded.processes import say
from coupons.domain.expiry import expire_coupons
from coupons.tasks import sweep_expired

ROWS = 40_000
SHOPS = 21
PATIENCE_SECONDS = 600

_WRONG = """
SELECT (SELECT count(*) FROM coupons_coupon WHERE state <> 'refunded'),
    (SELECT count(*) FROM coupons_refund WHERE state <> 'paid_out'),
    (SELECT count(*) FROM coupons_order WHERE refunded_fen <> paid_fen),
    (SELECT count(*) FROM coupons_sandboxcharge WHERE refunded_fen <> amount_fen),
    (SELECT count(*) FROM core_job WHERE kind = 'pay_refund' AND state <> 'done')
"""


@bench(
    "sweep-expiry",
    help="expired coupons refunded, end to end through Celery and the sandbox (bar: 400/s)",
)
def run(options: Options) -> Result:
    """ours_per_s is end to end: from the sweep's beginning to the last refund paid out and recorded."""
    traders = fill_traders(orders=2 * (options.rows or ROWS) // QUANTITY, shops=SHOPS, large_share=0.3)
    fill_payments(traders)
    fill_expired()
    settle_down()
    half = options.rows or ROWS
    swept = _measure(lambda: _sweep(half))
    with running_workers():
        _wait_until_paid(
            half
        )  # what the sweep above left: the workers are warm, and none of it is counted below
        ours = _measure(_sweep_and_pay)
    _assert_right()
    more = [
        {"what": name, **asdict(figures)} for name, figures in (("end to end", ours), ("sweep alone", swept))
    ]
    return replace(Result.of_rounds({"ours": [ours]}, ratio=("ours", "ours")), ratio=None, more=more)


def _measure(work: Callable[[], int]) -> Figures:
    with stopwatch(postmaster_pid()) as watch:
        begin = time.perf_counter()
        rows = work()
        seconds = time.perf_counter() - begin
    say(f"  {rows:,} refunds in {seconds:.1f} s: {rows / seconds:,.0f}/s")
    cpu = None if watch.seconds is None else watch.seconds * 1000 / rows
    return Figures(per_s=rows / seconds, db_cpu_ms=cpu)


def _sweep(count: int) -> int:
    expired = 0
    while expired < count and (more := expire_coupons(limit=min(2_000, count - expired))):
        expired += more
    return expired


def _sweep_and_pay() -> int:
    """As beat rings for it, as often as something is left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM coupons_coupon WHERE state = 'issued'")
        (left,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM coupons_coupon")
        (all_of_them,) = cursor.fetchone()
    sweep_expired.delay()
    _wait_until_paid(all_of_them)
    return int(left)


def _wait_until_paid(count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM coupons_refund WHERE state = 'paid_out'")
            (paid,) = cursor.fetchone()
            if paid >= count:
                return
            require(time.monotonic() < deadline, f"{paid} of {count} paid out after {PATIENCE_SECONDS} s")
            time.sleep(0.1)


def _assert_right() -> None:
    with connection.cursor() as cursor:
        deadline = time.monotonic() + 30  # the last jobs are marked done a moment after their refunds
        while True:
            cursor.execute(_WRONG)
            wrong = cursor.fetchone()
            if not any(wrong):
                return
            require(
                time.monotonic() < deadline,
                f"coupons, refunds, orders, charges, jobs that are wrong: {wrong}",
            )
            time.sleep(0.2)
