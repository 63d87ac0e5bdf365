"""Which part of the machine saturates first: measured each second, named by rule. No Django here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Who uses the processor; "others" is what does not belong to the rehearsal.
PARTIES = ("web", "database", "worker", "relay", "valkey", "generator", "others")
LASTING = 3  # seconds in a row
RUN_UP = 5.0  # the first seconds are connections and first pages, no load

# Part -> how full it may be (0 to 1) before it counts as the limit.
LIMITS: dict[str, float] = {
    "generator": 0.90,  # of one core: then the load itself is too small, and every figure is a lower bound
    "processor": 0.95,  # of all cores of the machine
    "web": 0.90,  # of the cores its processes can use
    "worker": 0.90,
    "database": 0.90,
    "locks": 0.50,  # of busy connections wait for a lock another one holds
    "disk": 0.50,  # of busy connections wait for the write-ahead log
    "connections": 0.90,  # of max_connections
    "queue": 1.00,  # the oldest due job waits five seconds
}
LAG_SECONDS = 5.0


@dataclass(frozen=True)
class Sample:
    """One second. CPU is in cores (None: not measured here); lag and waits are the database's own figures."""

    second: float
    generator: float | None = None
    web: float | None = None
    worker: float | None = None
    relay: float | None = None
    database: float | None = None
    valkey: float | None = None
    others: float | None = None
    machine: float | None = None
    connections: int = 0
    most_connections: int = 0
    busy: int = 0
    waiting_locks: int = 0
    waiting_disk: int = 0
    due_jobs: int = 0
    lag_seconds: float = 0.0


@dataclass(frozen=True)
class Bottleneck:
    """`part` is a key of LIMITS, "" where nothing was full; `biggest` names who used most of a full processor."""

    part: str = ""
    second: float | None = None
    biggest: str = ""
    biggest_share: float | None = None
    is_measured: bool = True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def fullness(sample: Sample, *, cores: int, web_processes: int, worker_processes: int) -> dict[str, float]:
    """How full each part is, 0 to 1 (the queue may be over 1)."""
    full: dict[str, float] = {}
    for name, used, most in (
        ("generator", sample.generator, 1),
        ("web", sample.web, min(web_processes, cores)),
        ("worker", sample.worker, min(worker_processes, cores)),
        ("database", sample.database, cores),
        ("processor", sample.machine, 1),
    ):
        if used is not None:
            full[name] = used / most
    if sample.most_connections:
        full["connections"] = sample.connections / sample.most_connections
    if sample.busy >= 4:  # of one or two connections a half says nothing
        full["locks"] = sample.waiting_locks / sample.busy
        full["disk"] = sample.waiting_disk / sample.busy
    full["queue"] = sample.lag_seconds / LAG_SECONDS
    return full


def name_bottleneck(
    samples: Sequence[Sample],
    *,
    cores: int,
    web_processes: int,
    worker_processes: int,
    pauses: Sequence[tuple[float, float]] = (),
) -> Bottleneck:
    """The first part that was full for LASTING seconds in a row; of several in the same second, the fullest by its limit.

    `pauses` are spans in which something was broken on purpose: a queue that waits there says nothing about the machine.
    """
    in_a_row: dict[str, int] = {}
    seen: list[Sample] = []
    for sample in samples:
        if sample.second < RUN_UP:
            continue
        seen.append(sample)
        full = fullness(sample, cores=cores, web_processes=web_processes, worker_processes=worker_processes)
        broken = any(begin <= sample.second <= end for begin, end in pauses)
        over = {
            part: share / LIMITS[part]
            for part, share in full.items()
            if share >= LIMITS[part] and not (broken and part == "queue")
        }
        in_a_row = {part: in_a_row.get(part, 0) + 1 for part in over}
        lasting = {part: over[part] for part, seconds in in_a_row.items() if seconds >= LASTING}
        # A full processor explains full processes; a named process says more than the machine does.
        if lasting:
            part = max(lasting, key=lambda name: (name != "processor", lasting[name]))
            biggest, share = _biggest(seen[-LASTING:])
            return Bottleneck(part, sample.second, biggest, share, is_measured=True)
    return Bottleneck(is_measured=any(sample.machine is not None for sample in samples))


def _biggest(samples: Sequence[Sample]) -> tuple[str, float | None]:
    """Who used most of the processor, and which share of what was used."""
    used = {name: sum(getattr(sample, name) or 0.0 for sample in samples) for name in PARTIES}
    total = sum(used.values())
    if not total:
        return "", None
    name = max(used, key=lambda one: used[one])
    return name, used[name] / total


def average_samples(samples: Sequence[Sample], *, begin: float, end: float) -> dict[str, float | None]:
    """Means of a step, for the report's table; the lag is the longest."""
    inside = [sample for sample in samples if begin <= sample.second < end]
    means: dict[str, float | None] = {}
    for name in (*PARTIES, "machine"):
        values = [value for sample in inside if (value := getattr(sample, name)) is not None]
        means[name] = round(sum(values) / len(values), 3) if values else None
    means["connections"] = max((sample.connections for sample in inside), default=None)
    means["lag_seconds"] = max((round(sample.lag_seconds, 1) for sample in inside), default=None)
    means["waiting_locks"] = max((sample.waiting_locks for sample in inside), default=None)
    means["waiting_disk"] = max((sample.waiting_disk for sample in inside), default=None)
    return means
