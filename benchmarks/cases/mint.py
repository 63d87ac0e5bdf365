"""Minting the coupons of many paid orders, beside plain COPY of finished rows into the same table."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from django.db import connection

from benchmarks.checks import require
from benchmarks.cpu import postmaster_pid, stopwatch
from benchmarks.database import settle_down
from benchmarks.figures import Figures
from benchmarks.registry import Options, Result, bench
from benchmarks.trade import QUANTITY, fill_traders
from core.embedded.processes import say
from coupons.domain.bulk_issuing import mint_for_orders

ROWS = 1_000_000

# What minting writes, with codes counted down from the largest: rows of other orders, as finished text.
_ROWS = """
COPY (SELECT o.merchant_id, o.id, o.deal_id, o.customer_id, o.unit_price_fen, 1, 1, 'issued', o.paid_at,
    o.paid_at + interval '90 days', o.paid_at, (999999999999999 - %s - row_number() OVER () * 7919)::text
  FROM coupons_order o CROSS JOIN generate_series(1, o.quantity) WHERE o.id = ANY(%s)) TO STDOUT
"""
_COPY = """
COPY coupons_coupon (merchant_id, order_id, deal_id, customer_id, price_fen, uses_total, uses_left, state, valid_from,
    valid_until, issued_at, code) FROM STDIN
"""


@bench("mint", help="coupons of many paid orders, beside plain COPY into the same indexes (bar: 40 % of it)")
def run(options: Options) -> Result:
    each = (options.rows or ROWS) // QUANTITY // options.rounds
    (trader,) = fill_traders(orders=2 * each * options.rounds, shops=1, large_share=1)
    merchant = trader.shop.merchant
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM coupons_order")
        (ids,) = cursor.fetchone()
    settle_down()
    parts = [ids[start : start + each] for start in range(0, 2 * each * options.rounds, each)]
    rounds: dict[str, list[Figures]] = {"ours": [], "limit": []}
    for number in range(options.rounds):
        mine, other = parts[2 * number : 2 * number + 2]
        text = _finished_rows(number, other)
        measures: dict[str, Callable[[], int]] = {
            "ours": partial(mint_for_orders, merchant=merchant, order_ids=mine),
            "limit": partial(_copy, text),
        }
        for name in list(measures) if number % 2 == 0 else list(measures)[::-1]:
            with stopwatch(postmaster_pid()) as watch:
                begin = time.perf_counter()
                rows = measures[name]()
                seconds = time.perf_counter() - begin
            require(rows == each * QUANTITY, f"{rows} rows were written, not {each * QUANTITY}")
            cpu = None if watch.seconds is None else watch.seconds * 1000 / rows
            rounds[name].append(Figures(per_s=rows / seconds, db_cpu_ms=cpu))
            say(f"  round {number + 1}, {name}: {rows / seconds:,.0f}/s")
    _assert_right()
    return Result.of_rounds(rounds, ratio=("ours", "limit"))


def _finished_rows(number: int, order_ids: Sequence[int]) -> bytes:
    with connection.cursor() as cursor, cursor.copy(_ROWS, [number, list(order_ids)]) as copy:
        return b"".join(bytes(piece) for piece in copy)


def _copy(text: bytes) -> int:
    with connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for start in range(0, len(text), 1 << 20):
                copy.write(text[start : start + (1 << 20)])
        return int(cursor.rowcount)


def _assert_right() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM coupons_order o LEFT JOIN coupons_coupon c ON c.order_id = o.id"
            " GROUP BY o.id HAVING count(c.id) <> o.quantity) wrong"
        )
        (wrong,) = cursor.fetchone()
    require(wrong == 0, f"{wrong} orders have not the coupons they were paid for")
