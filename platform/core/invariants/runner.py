"""Counts what breaks each invariant, all in one snapshot, writing nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import ProgrammingError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core.invariants.catalogue import CatalogueFault, Invariant, load_catalogue

# Sorts and hashes over millions of rows; what compiles queries costs more than it gives in small shops.
SETTINGS = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"

Sample = list[tuple[str, str]]


@dataclass
class Report:
    """How many rows break each invariant (0 is right), and some of them: (column, value) in order, ids as strings."""

    figures: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def broken(self) -> dict[str, int]:
        return {name: rows for name, rows in self.figures.items() if rows}


def check_invariants(
    *,
    merchant_id: int | None = None,
    samples: int = 0,
    catalogue: Mapping[str, Invariant] | None = None,
    on_counted: Callable[[str, int], object] = lambda name, rows: None,
) -> Report:
    """Count the rows that break each invariant, over everything or one merchant; up to `samples` of them are kept.

    All queries see one moment: a REPEATABLE READ, READ ONLY transaction on a connection of its own, so that on_counted may
    write. Called inside a transaction it reads in that one, which sees its own changes. Raises CatalogueFault where a
    query is no SQL.
    """
    report = Report()
    with _snapshot() as cursor:
        for name, invariant in (load_catalogue() if catalogue is None else catalogue).items():
            query = invariant.query(merchant_id=merchant_id)
            try:
                cursor.execute(f"SELECT count(*) FROM ({query}) broken")
                rows = cursor.fetchone()[0]
                if rows and samples:
                    cursor.execute(f"SELECT * FROM ({query}) broken ORDER BY 1 LIMIT {int(samples)}")
                    report.samples[name] = _rows(cursor)
            except ProgrammingError as error:
                raise CatalogueFault(f"{name} is no query: {error}") from error
            report.figures[name] = rows
            on_counted(name, rows)
    return report


def _rows(cursor: CursorWrapper) -> list[Sample]:
    columns = [column.name for column in cursor.description]
    return [
        [(name, str(value)) for name, value in zip(columns, row, strict=True) if value is not None]
        for row in cursor.fetchall()
    ]


@contextmanager
def _snapshot() -> Iterator[CursorWrapper]:
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SETTINGS)
            yield cursor
        return
    own: BaseDatabaseWrapper = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(SETTINGS)
            yield cursor
    finally:
        own.close()
