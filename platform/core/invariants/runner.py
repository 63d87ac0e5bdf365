"""Counts what breaks each invariant, all in one snapshot, writing nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.errors import QueryCanceled

from core.invariants.catalogue import CatalogueFault, Invariant, load_catalogue

# Sorts and hashes over millions of rows; what compiles queries costs more than it gives in small shops.
SETTINGS = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"

Sample = list[tuple[str, str]]


@dataclass
class Report:
    """How many rows break each invariant (0 is right), and some of them: (column, value) in order, ids as strings.

    What took too long stands in `not_checked` and has no figure: nothing is known of it.
    """

    figures: dict[str, int] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def broken(self) -> dict[str, int]:
        return {name: rows for name, rows in self.figures.items() if rows}


def check_invariants(
    *,
    merchant_id: int | None = None,
    samples: int = 0,
    catalogue: Mapping[str, Invariant] | None = None,
    seconds_each: float | None = None,
    on_asked: Callable[[str], object] = lambda name: None,
    on_counted: Callable[[str, int], object] = lambda name, rows: None,
) -> Report:
    """Count the rows that break each invariant, over everything or one merchant; up to `samples` of them are kept.

    All queries see one moment: a REPEATABLE READ, READ ONLY transaction on a connection of its own, so that on_asked (before
    each) and on_counted may write. Called inside a transaction it reads in that one, which sees its own changes. A query
    that runs longer than seconds_each is ended, and the next one asked. Raises CatalogueFault where a query is no SQL.
    """
    report = Report()
    in_time = _execute if seconds_each is None else _execute_in_time
    with _snapshot(seconds_each) as cursor:
        for name, invariant in (load_catalogue() if catalogue is None else catalogue).items():
            query = invariant.query(merchant_id=merchant_id)
            on_asked(name)
            try:
                if not in_time(cursor, f"SELECT count(*) FROM ({query}) broken"):
                    report.not_checked.append(name)
                    continue
                rows = cursor.fetchone()[0]
                few = f"SELECT * FROM ({query}) broken ORDER BY 1 LIMIT {int(samples)}"
                if rows and samples and in_time(cursor, few):
                    report.samples[name] = _rows(cursor)
            except ProgrammingError as error:
                raise CatalogueFault(f"{name} is no query: {error}") from error
            report.figures[name] = rows
            on_counted(name, rows)
    return report


def _execute(cursor: CursorWrapper, query: str) -> bool:
    cursor.execute(query)
    return True


def _execute_in_time(cursor: CursorWrapper, query: str) -> bool:
    """False where the time was over, with the snapshot as it was."""
    cursor.execute(
        "SAVEPOINT invariant"
    )  # left to the end of the transaction: releasing it would take the answer along
    try:
        cursor.execute(query)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        cursor.execute("ROLLBACK TO SAVEPOINT invariant")
        return False
    return True


def _rows(cursor: CursorWrapper) -> list[Sample]:
    columns = [column.name for column in cursor.description]
    return [
        [(name, str(value)) for name, value in zip(columns, row, strict=True) if value is not None]
        for row in cursor.fetchall()
    ]


@contextmanager
def _snapshot(seconds_each: float | None) -> Iterator[CursorWrapper]:
    limits = SETTINGS
    if seconds_each is not None:
        limits += f"; SET LOCAL statement_timeout = {max(1, int(seconds_each * 1000))}"
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(limits)
            yield cursor
        return
    own: BaseDatabaseWrapper = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(limits)
            yield cursor
    finally:
        own.close()
