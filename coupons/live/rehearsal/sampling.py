"""One look each second at the processes and at the database."""

import os
from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection

from coupons.live.rehearsal.bottleneck import PARTIES, Sample
from coupons.live.rehearsal.machine import CpuMeter, count_cores, family, has_proc, read_children

LOOK = """
SELECT (SELECT array_agg(pid) FROM pg_stat_activity) AS pids,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    current_setting('max_connections')::int AS most,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'active'
        AND pid <> pg_backend_pid()) AS busy,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'active'
        AND wait_event_type = 'Lock') AS locks,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'active'
        AND lower(wait_event) IN ('walsync', 'walwrite', 'walwritelock', 'synclock')) AS disk,
    jobs.due, jobs.lag, stock.total, stock.held, stock.sold
FROM (SELECT count(*) AS due, COALESCE(extract(epoch FROM now() - min(due_at)), 0) AS lag FROM core_job
        WHERE lane = %(lane)s AND state = 'ready' AND due_at <= now()) jobs,
    (SELECT COALESCE(sum(total), 0) AS total, COALESCE(sum(held), 0) AS held, COALESCE(sum(sold), 0) AS sold
        FROM coupons_dealstock WHERE merchant_id = %(merchant)s) stock
"""


def _others(cpu: dict[str, float | None]) -> float | None:
    """Cores used by what is not ours."""
    if cpu.get("machine") is None:
        return None
    ours = sum(used or 0.0 for name, used in cpu.items() if name != "machine")
    return max(0.0, (cpu["machine"] or 0.0) * count_cores() - ours)


def _known_to_psycopg() -> dict[str, Any]:
    """How we reach the database, with every option of DATABASE_URL (TLS, time-outs); less what is Django's own."""
    values = connection.get_connection_params()
    return {name: value for name, value in values.items() if name not in ("context", "cursor_factory")}


class Watcher:
    """Holds a connection of its own for the look, so that it waits for nobody."""

    def __init__(self, *, lane: str, merchant_id: int) -> None:
        self._values = {"lane": lane, "merchant": merchant_id}
        self._connection: psycopg.Connection[Any] | None = None
        self._meter = CpuMeter()
        self.stock = self.held = self.sold = 0

    def look(self, *, second: float, pids: Mapping[str, int], generator: int | None) -> Sample:
        """This second's figures; those of the database are 0 while it does not answer."""
        row = self._ask() or {}
        groups: dict[str, list[int]] = {}
        if has_proc():
            children = read_children()
            groups = {name: family(pid, children) for name, pid in pids.items()}
            groups["worker"] = [*groups.get("worker", []), *groups.pop("outside-worker", [])]
            groups["generator"] = family(generator, children) if generator else []
            # Every backend of the installation, ours or not: they share one PostgreSQL.
            groups["database"] = [pid for pid in row.get("pids") or [] if pid and pid != os.getpid()]
        cpu = self._meter.measure(groups)
        cpu["others"] = _others(cpu)
        if row:
            self.stock, self.held, self.sold = int(row["total"]), int(row["held"]), int(row["sold"])
        return Sample(
            second=round(second, 1),
            **{name: cpu.get(name) for name in (*PARTIES, "machine")},
            connections=row.get("connections", 0),
            most_connections=row.get("most", 0),
            busy=row.get("busy", 0),
            waiting_locks=row.get("locks", 0),
            waiting_disk=row.get("disk", 0),
            due_jobs=row.get("due", 0),
            lag_seconds=float(row.get("lag", 0.0)),
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _ask(self) -> dict[str, Any] | None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(**_known_to_psycopg(), autocommit=True)
            with self._connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                return cursor.execute(LOOK, self._values).fetchone()
        except psycopg.Error:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None
