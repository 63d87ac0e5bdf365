"""Which errors mean that the database is away: none that one statement brought upon itself."""

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError
from psycopg import errors

from core.postgresql.away import is_database_away


def wrapped(cause: BaseException, kind: type[Exception] = OperationalError) -> Exception:
    """As Django raises it."""
    try:
        raise kind("wrapped") from cause
    except kind as error:
        return error


@pytest.mark.parametrize(
    ("cause", "away"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (errors.ConnectionTimeout(), True),
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.TooManyConnections(), True),
        (errors.ConnectionFailure(), True),
        (errors.DeadlockDetected(), False),
        (errors.QueryCanceled(), False),
        (errors.LockNotAvailable(), False),
        (errors.DiskFull(), False),
    ],
)
def test_by_what_postgresql_says(cause, away):
    assert is_database_away(wrapped(cause)) is away


def test_what_is_behind_an_error_counts():
    assert is_database_away(wrapped(wrapped(errors.AdminShutdown()), kind=RuntimeError))
    assert not is_database_away(wrapped(errors.UniqueViolation(), kind=IntegrityError))
    assert not is_database_away(wrapped(errors.NumericValueOutOfRange(), kind=DataError))
    assert not is_database_away(None)
