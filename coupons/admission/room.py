"""The waiting room in Redis: one script (room.lua), one call per question. Without Redis there is no room and no limit."""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django_redis import get_redis_connection
from redis import Redis, RedisError

from coupons.admission.limits import Limits, limits_of_settings

log = logging.getLogger(__name__)
SCRIPT = (Path(__file__).parent / "room.lua").read_text()
LOST_SECONDS = 15  # an order that did not report back by then is not in the database any more
PAUSE_SECONDS = 1.0  # after Redis did not answer, it is left alone so long

Outcome = Literal["ordered", "sold_out", "full", "failed"]


@dataclass(frozen=True)
class Go:
    """Place the order now, and `leave` with this entry; without one nobody counted (no Redis, or the gate is off)."""

    entry: str = ""


@dataclass(frozen=True)
class Wait:
    """`position` 1 is next; `seconds` until the order can be placed, on the long side; ask again after `poll` seconds."""

    position: int
    seconds: int
    poll: int
    joined: int
    epoch: str


@dataclass(frozen=True)
class Turn:
    """His turn has come and stays for so many seconds."""

    seconds: int


@dataclass(frozen=True)
class TooSoon:
    seconds: int


@dataclass(frozen=True)
class Ask:
    """A hint says that it may be hopeless: PostgreSQL must be asked."""


@dataclass(frozen=True)
class Gone:
    """The place was used, given up, or lost by not asking for it."""


class Room:
    """The rooms of all pools; `clock` gives microseconds, and None means Redis' own clock."""

    def __init__(
        self,
        *,
        connect: Callable[[], Redis],
        limits: Callable[[], Limits] = limits_of_settings,
        clock: Callable[[], int] | None = None,
        prefix: str = "admission",
    ) -> None:
        self._connect, self._limits, self._clock, self._prefix = connect, limits, clock, prefix
        self._away_until = 0.0
        self._sha = ""

    def enter(self, *, pool: str, customer_id: int, address: str = "", hints: bool = True) -> Any:
        """Go, Wait, TooSoon or Ask for a customer who wants to order. An empty address is not counted."""
        limits = self._limits()
        entry = f"{customer_id}:{secrets.token_hex(6)}"
        answer = self._call(
            "enter",
            pool,
            customer_id,
            entry,
            limits.tries_per_customer if hints else 0,
            limits.tries_per_address if address and hints else 0,
            int(hints),
            address=address,
        )
        match answer:
            case [b"wait", *facts]:
                return _wait(facts)
            case [b"tries", seconds]:
                return TooSoon(seconds)
            case [b"ask"]:
                return Ask()
            case [b"go", *_]:
                return Go(entry)
        return Go()

    def look(self, *, pool: str, customer_id: int, joined: int, epoch: str, hints: bool = True) -> Any:
        """Wait, Turn, Gone or Ask for the holder of a ticket. Without Redis everybody has his turn."""
        match self._call("look", pool, customer_id, "", joined, epoch, int(hints)):
            case [b"wait", *facts]:
                return _wait(facts)
            case [b"gone"]:
                return Gone()
            case [b"ask"]:
                return Ask()
            case [b"turn", seconds]:
                return Turn(seconds)
        return Turn(self._limits().turn_seconds)

    def quit(self, *, pool: str, customer_id: int) -> None:
        """Give up the place."""
        self._call("quit", pool, customer_id, "")

    def leave(self, go: Go, *, pool: str, customer_id: int, outcome: Outcome) -> None:
        """The database is done with this order. Sent without waiting for an answer; if it is lost, the entry expires."""
        if not go.entry or not self._sha:
            return
        parts = self._arguments("leave", pool, customer_id, go.entry, outcome)
        try:
            connections = self._connect().connection_pool
            connection = connections.get_connection()
            try:
                connection.send_packed_command(
                    connection.pack_commands([("CLIENT", "REPLY", "SKIP"), ("EVALSHA", self._sha, *parts)])
                )
            except BaseException:
                connection.disconnect()
                raise
            finally:
                connections.release(connection)
        except (RedisError, OSError) as error:
            self._lost(error)

    def _call(self, op: str, pool: str, customer_id: int, entry: str, *more: Any, address: str = "") -> Any:
        """The script's answer; None where there is no Redis or no gate."""
        if not self._limits().is_on or time.monotonic() < self._away_until:
            return None
        parts = self._arguments(op, pool, customer_id, entry, *more, address=address)
        try:
            redis = self._connect()
            try:
                if self._sha:
                    return redis.execute_command("EVALSHA", self._sha, *parts)
            except RedisError as error:
                if "NOSCRIPT" not in str(error).upper() and "No matching script" not in str(error):
                    raise
            self._sha = str(redis.script_load(SCRIPT))
            return redis.execute_command("EVALSHA", self._sha, *parts)
        except (RedisError, OSError) as error:
            self._lost(error)
            return None

    def _arguments(
        self, op: str, pool: str, customer_id: int, entry: str, *more: Any, address: str = ""
    ) -> list[Any]:
        limits, name = self._limits(), self._prefix
        keys = [
            f"{name}:flight",
            f"{name}:pace",
            *(f"{name}:{part}:{pool}" for part in ("queue", "seen", "turns", "gauge", "sold")),
            f"{name}:full:{pool}:{customer_id}",
            f"{name}:tries:c{customer_id}",
            f"{name}:tries:a{address}",
            f"{name}:epoch",
        ]
        return [
            len(keys),
            *keys,
            op,
            "" if self._clock is None else self._clock(),
            customer_id,
            entry,
            limits.in_flight,
            limits.turn_seconds * 1_000_000,
            limits.absent_seconds * 1_000_000,
            LOST_SECONDS * 1_000_000,
            *more,
        ]

    def _lost(self, error: Exception) -> None:
        if time.monotonic() >= self._away_until:
            log.warning("Redis does not answer the gate (%s): orders go straight to the database", error)
        self._away_until = time.monotonic() + PAUSE_SECONDS


def _wait(facts: list[Any]) -> Wait:
    position, seconds, poll, joined, epoch = facts
    return Wait(position, seconds, poll, int(joined), epoch.decode())


ROOM = Room(connect=lambda: get_redis_connection("default"))
