"""The fault script: what is broken when, that it was, and how long it took until nobody noticed any more."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from core.embedded.processes import say
from coupons.live.rehearsal.bottleneck import Sample
from coupons.live.rehearsal.plan import DISORDER, REDIS, SLOW_PROVIDER, WORKER, Plan, PlannedFault
from coupons.live.rehearsal.processes import OwnProcesses

REDIS_AWAY_SECONDS = 2.0
WELL_LAG_SECONDS = 3.0  # jobs are done about as soon as they are due
WELL_LOOKS = 2  # seconds in a row


@dataclass
class Fault:
    """`at` and `until` are seconds of the load; `recovered_seconds` counts from the end of the fault, None: never."""

    kind: str
    at: float
    until: float | None = None
    recovered_seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def over_at(self) -> float | None:
        """When it stopped being broken on purpose."""
        return self.until if self.kind in (SLOW_PROVIDER, DISORDER, REDIS) else self.at


class FaultScript:
    """Call `act` often; it breaks what is due, mends it, and sees when it is well again."""

    def __init__(self, *, plan: Plan, own: OwnProcesses) -> None:
        self._due: list[PlannedFault] = sorted(plan.faults, key=lambda fault: fault.at)
        self._own = own
        self._well: dict[int, int] = {}
        self._mend_at: float | None = None
        self.done: list[Fault] = []

    def act(self, second: float) -> None:
        """Do what is due at this second of the load."""
        while self._due and self._due[0].at <= second:
            planned = self._due.pop(0)
            fault = Fault(kind=planned.kind, at=round(second, 1), until=planned.until)
            self.done.append(fault)
            say(f"{second:6.1f} s  {planned.kind}")
            self._breakers().get(planned.kind, _nothing)()
            if planned.kind == REDIS:
                self._mend_at = second + REDIS_AWAY_SECONDS
        if self._mend_at is not None and second >= self._mend_at:
            self._mend_at = None
            begun = time.monotonic()
            self._own.valkey.start()
            for fault in self.done:
                if fault.kind == REDIS and fault.until is None:
                    fault.until = round(second + time.monotonic() - begun, 1)

    def observe(self, sample: Sample) -> None:
        """See whether what was broken is well again: processes live, and jobs are done when they are due."""
        for number, fault in enumerate(self.done):
            if fault.recovered_seconds is not None or fault.over_at is None or sample.second < fault.over_at:
                continue
            well = sample.lag_seconds <= WELL_LAG_SECONDS and self._lives(fault.kind)
            self._well[number] = self._well.get(number, 0) + 1 if well else 0
            if self._well[number] == WELL_LOOKS:
                fault.recovered_seconds = round(max(0.0, sample.second - fault.over_at), 1)

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """Spans in which a waiting queue is the script's work, not the machine's limit."""
        return [
            (fault.at, (fault.over_at or fault.at) + (fault.recovered_seconds or 30.0)) for fault in self.done
        ]

    def _breakers(self) -> dict[str, Callable[[], None]]:
        return {WORKER: self._own.kill_worker, REDIS: self._own.kill_valkey}

    def _lives(self, kind: str) -> bool:
        if kind == WORKER:
            process = self._own.child("worker").process
            return process is not None and process.poll() is None
        return kind != REDIS or self._own.valkey.is_ready()


def _nothing() -> None:
    """The generator plays these at the cashier."""
