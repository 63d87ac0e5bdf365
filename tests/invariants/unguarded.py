"""Takes away what guards a table, inside a test's transaction, so that a violation can be planted at all."""

import re
from collections.abc import Iterable

from django.apps import apps
from django.db import connection


def tables_in(sql: str) -> set[str]:
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return known & set(re.findall(r"\b[a-z]+_[a-z]+(?:_[a-z]+)*\b", sql))


def unguard(tables: Iterable[str]) -> None:
    """Drop checks, unique and exclusive keys and indexes of these tables and put every trigger aside, foreign keys' among them."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in sorted(tables):
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'u', 'x')",
                [table],
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
            cursor.execute(
                "SELECT indexrelid::regclass::text FROM pg_index"
                " WHERE indrelid = %s::regclass AND indisunique AND NOT indisprimary",
                [table],
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP INDEX {name}")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")


def plant(sql: str) -> int:
    """Run a statement past the guards of every table it names; how many rows it wrote."""
    unguard(tables_in(sql))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.rowcount
