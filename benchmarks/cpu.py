"""Processor time of a process and all its descendants, from /proc (Linux; elsewhere it is not measured)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Stopwatch:
    """CPU seconds used by the trees of these processes while it ran; None where it cannot be known."""

    def __init__(self, roots: list[int]) -> None:
        self.roots = roots
        self.seconds: float | None = None
        self._begin = cpu_seconds(roots)

    def stop(self) -> None:
        end = cpu_seconds(self.roots)
        if self._begin is not None and end is not None:
            self.seconds = end - self._begin


@contextmanager
def stopwatch(*roots: int | None) -> Iterator[Stopwatch]:
    watch = Stopwatch([root for root in roots if root is not None])
    try:
        yield watch
    finally:
        watch.stop()


def cpu_seconds(roots: list[int]) -> float | None:
    """User and system time of the trees so far, with that of children that have ended and been waited for.

    A backend that lived only between two looks is counted too: its time passes to its postmaster when it ends.
    """
    if not roots or not Path("/proc/self/stat").exists():
        return None
    children: dict[int, list[int]] = {}
    times: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(entry.name)
        children.setdefault(int(fields[1]), []).append(pid)
        times[pid] = sum(int(ticks) for ticks in fields[11:15])
    waiting, total = [*roots], 0
    while waiting:
        pid = waiting.pop()
        total += times.get(pid, 0)
        waiting += children.get(pid, [])
    return total / TICKS_PER_SECOND


def postmaster_pid() -> int | None:
    """The PostgreSQL server of Django's connection; None where it runs on another machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    try:
        if Path(f"/proc/{backend}/comm").read_text().strip() != "postgres":
            return None
        return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
