"""The clock is the database's: one clock for all servers."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The start of the current transaction, in UTC (one statement)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]
