"""Ways to keep the stock of one deal that everybody wants, in pgbench: the curve behind the choice of slots.

Every way is one transaction: take a piece, write a narrow order row. `ours` is the way chosen, at 8 clients; `limit` the
same transaction when every client has a deal of his own.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import connection

from benchmarks.database import settle_down
from benchmarks.figures import Figures
from benchmarks.filling import fill_shop
from benchmarks.pgbench import run_pgbench
from benchmarks.registry import Options, Result, bench
from core.embedded.processes import say
from coupons.domain.stock import SLOTS

CLIENTS = (4, 8, 16, 32)
PIECES = 10_000_000
UNITS = 600_000
ORDER = "INSERT INTO bench_order (slot_id, customer) VALUES ({slot}, 1)"


@bench(
    "stock-designs", help="ways to keep the stock of one hot deal, from one row to a row per piece (no bar)"
)
def run(options: Options) -> Result:
    shop = fill_shop()
    pools = {slots: _fill_pool(shop.deal.pk, shop.merchant.pk, slots) for slots in (1, 4, 8, 16, 32, 64)}
    _fill_units(options.rows or UNITS)
    settle_down()
    rows: list[dict[str, Any]] = []
    best: dict[str, Figures] = {}
    for name, script in _designs(pools):
        row: dict[str, Any] = {"what": name}
        for clients in CLIENTS:
            figures = run_pgbench(script, seconds=options.seconds, clients=clients, with_latencies=True)
            row |= {f"{clients} clients /s": figures.per_s, f"p99 ms at {clients}": figures.p99_ms}
            if clients == options.connections:
                best[name] = figures
        say(f"  {name}: " + ", ".join(f"{row[f'{clients} clients /s']:,.0f}" for clients in CLIENTS))
        rows.append(row)
    ours, limit = best[f"{SLOTS} slots, skipping (chosen)"], best["a deal for each client"]
    result = Result.of_rounds({"ours": [ours], "limit": [limit]}, ratio=("ours", "limit"))
    return replace(result, more=rows)


def _designs(pools: dict[int, int]) -> Iterator[tuple[str, str]]:
    """Name and transaction, in pgbench's language."""
    take = "SELECT COALESCE(coupons_take_pieces({pool}, 1, :start, {slots}), 0) AS slot \\gset"
    wait = (
        "UPDATE coupons_stockslot SET free = free - 1, held = held + 1"
        " WHERE pool_id = {pool} AND number = :start AND free >= 1 RETURNING id AS slot \\gset"
    )
    for slots, pool in pools.items():
        start = f"\\set start random(0, {slots - 1})"
        name = "one row" if slots == 1 else f"{slots} slots, waiting"
        if slots in (1, 16):
            yield name, _transaction(start, wait.format(pool=pool))
        if slots > 1:
            chosen = " (chosen)" if slots == SLOTS else ""
            # More writers than slots: the product gathers, here one is waited for.
            crowded = ("\\if :slot = 0", wait.format(pool=pool), "\\endif")
            yield (
                f"{slots} slots, skipping{chosen}",
                _transaction(start, take.format(pool=pool, slots=slots), *crowded),
            )
    yield (
        "a row per piece, skipping",
        _transaction(
            "UPDATE bench_unit SET taken = true WHERE id = (SELECT id FROM bench_unit WHERE NOT taken ORDER BY seq LIMIT 1"
            " FOR UPDATE SKIP LOCKED) RETURNING id AS slot \\gset"
        ),
    )
    yield (
        "a deal for each client",
        _transaction(
            "UPDATE bench_own SET free = free - 1, held = held + 1 WHERE id = :client_id RETURNING id AS slot \\gset"
        ),
    )


def _transaction(*lines: str) -> str:
    settings = [line for line in lines if line.startswith("\\set")]
    statements = [line for line in lines if not line.startswith("\\set")]
    return "\n".join([*settings, "BEGIN;", *statements, ORDER.format(slot=":slot") + ";", "COMMIT;"])


def _fill_pool(deal_id: int, merchant_id: int, slots: int) -> int:
    """A pool of so many slots, besides the deal's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO coupons_stockpool (merchant_id, deal_id, kind, entrance, total)"
            " VALUES (%s, %s, 'session', '', %s) RETURNING id",
            [merchant_id, deal_id, PIECES * slots],
        )
        pool_id: int = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO coupons_stockslot (merchant_id, deal_id, pool_id, number, free)"
            " SELECT %s, %s, %s, n, %s FROM generate_series(0, %s - 1) n",
            [merchant_id, deal_id, pool_id, PIECES, slots],
        )
    return pool_id


def _fill_units(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_order (id bigserial PRIMARY KEY, slot_id bigint, customer bigint)")
        cursor.execute(
            "CREATE TABLE bench_unit (id bigserial PRIMARY KEY, seq bigint, taken boolean DEFAULT false)"
        )
        cursor.execute("INSERT INTO bench_unit (seq) SELECT generate_series(1, %s)", [count])
        # By an order that only this index has: ordered by the key, the planner walks over all that was sold.
        cursor.execute("CREATE INDEX ON bench_unit (seq) WHERE NOT taken")
        cursor.execute(
            "CREATE TABLE bench_own (id int PRIMARY KEY, free int, held int) WITH (fillfactor = 10)"
        )
        cursor.execute("INSERT INTO bench_own SELECT n, %s, 0 FROM generate_series(0, 63) n", [PIECES])
