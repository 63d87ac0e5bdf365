"""Run calls at once on connections of their own, or one against another that is held open before its commit."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django_scopes import scopes_disabled

from core.errors import DomainError

Call = Callable[[], Any]
PATIENCE_SECONDS = 60


def outcome(call: Call) -> Any:
    """What the call returned, or how it was refused; any other error is the test's."""
    try:
        return call()
    except DomainError as refusal:
        return refusal


def race(*lanes: Iterable[Call]) -> list[list[Any]]:
    """Each lane makes its calls on one connection; call n of every lane starts at the same moment as the others'."""
    lists: list[Sequence[Call]] = [list(lane) for lane in lanes]
    start = threading.Barrier(len(lists), timeout=PATIENCE_SECONDS)

    def run(calls: Sequence[Call]) -> list[Any]:
        try:
            connection.ensure_connection()
            answers = []
            with scopes_disabled():
                for call in calls:
                    start.wait()
                    answers.append(outcome(call))
            return answers
        except BaseException:
            start.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(lists)) as pool:
        return [future.result() for future in [pool.submit(run, calls) for calls in lists]]


def race_once(*calls: Call) -> list[Any]:
    return [answers[0] for answers in race(*([call] for call in calls))]


def count_codes(answers: Iterable[Any]) -> Counter[str]:
    """How many went through ("done") and how many were refused with which code."""
    return Counter(answer.code if isinstance(answer, DomainError) else "done" for answer in answers)


@dataclass(frozen=True)
class Interleaving:
    first: Any
    second: Any
    second_waited: bool


def hold_against(first: Call, second: Call) -> Interleaving:
    """`first` in a transaction that stays open until `second` waits for one of its locks (or is through)."""
    with Held(first) as held:
        other = Side(second)
        waited = other.waits_for_a_lock()
    return Interleaving(first=held.answer, second=other.result(), second_waited=waited)


class Side:
    """One call on a thread and connection of its own."""

    def __init__(self, call: Call) -> None:
        self._pid = 0
        self._connected = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[Any] = self._pool.submit(self._run, call)

    def _run(self, call: Call) -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pid = cursor.fetchone()[0]
            self._connected.set()
            with scopes_disabled():
                return outcome(call)
        finally:
            self._connected.set()
            connection.close()

    def waits_for_a_lock(self) -> bool:
        """True as soon as the call waits for a lock; False when it is through without waiting."""
        assert self._connected.wait(PATIENCE_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self._future.done():
                return False
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [self._pid]
                )
                row = cursor.fetchone()
            if row and row[0]:
                return True
            time.sleep(0.01)
        raise AssertionError("it neither waits nor ends")

    def result(self) -> Any:
        try:
            return self._future.result(PATIENCE_SECONDS)
        finally:
            self._pool.shutdown()


class Held:
    """A call made in a transaction that commits when the block ends."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._made, self._may_commit = threading.Event(), threading.Event()
        self.answer: Any = None

    def __enter__(self) -> "Held":
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(self._run)
        assert self._made.wait(PATIENCE_SECONDS)
        if self._future.done():
            self._future.result()
        return self

    def __exit__(self, *error: object) -> None:
        self._may_commit.set()
        self._future.result(PATIENCE_SECONDS)
        self._pool.shutdown()

    def _run(self) -> None:
        try:
            with scopes_disabled(), transaction.atomic():
                self.answer = self._call()
                self._made.set()
                assert self._may_commit.wait(PATIENCE_SECONDS)
        finally:
            self._made.set()
            connection.close()
