"""What processes cost, read from /proc; on systems without it every figure is None."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def has_proc() -> bool:
    return (PROC / "self" / "stat").exists()


def count_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_ticks(pid: int) -> int | None:
    """CPU ticks a living process has used; None for a dead one."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


def read_children() -> dict[int, list[int]]:
    """The children of every process."""
    children: dict[int, list[int]] = {}
    for file in PROC.glob("[0-9]*/stat"):
        try:
            stat = file.read_text()
        except OSError:
            continue
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(file.parent.name))
    return children


def family(pid: int, children: dict[int, list[int]]) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def read_busy_ticks() -> tuple[int, int] | None:
    """Ticks the whole machine was busy, and all ticks there were."""
    try:
        fields = [int(part) for part in (PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    except OSError:
        return None
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


class CpuMeter:
    """Cores used by named groups of processes since the last look; ticks of processes that ended meanwhile are lost."""

    def __init__(self) -> None:
        self._ticks: dict[int, int] = {}
        self._at = time.monotonic()
        self._machine = read_busy_ticks()

    def measure(self, groups: Mapping[str, Iterable[int]]) -> dict[str, float | None]:
        """Group -> cores used (1.0 is one core); "machine" -> share of all cores that was busy, 0 to 1."""
        if not has_proc():
            return {name: None for name in [*groups, "machine"]}
        now = time.monotonic()
        seconds = max(now - self._at, 1e-6)
        ticks: dict[int, int] = {}
        used: dict[str, float | None] = {}
        for name, pids in groups.items():
            spent = 0
            for pid in pids:
                count = read_ticks(pid)
                if count is not None:
                    ticks[pid] = count
                    spent += max(0, count - self._ticks.get(pid, count))
            used[name] = spent / TICKS / seconds
        machine = read_busy_ticks()
        if machine and self._machine and machine[1] > self._machine[1]:
            used["machine"] = (machine[0] - self._machine[0]) / (machine[1] - self._machine[1])
        else:
            used["machine"] = None
        self._ticks, self._at, self._machine = ticks, now, machine
        return used
