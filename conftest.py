"""For all tests: lets Django empty the tables between transactional tests although the ledger refuses it.

The servers themselves are started by `core.embedded.pytest_plugin`.
"""

import os
from typing import Any

import pytest

from core.embedded.pytest_plugin import MIGRATED

CONSTANT_TABLES = {"django_content_type", "auth_permission"}


def pytest_configure() -> None:
    """Replace Django's flush between transactional tests: empty the tables that hold something, past the ledger.

    What was booked and settled carries triggers that refuse to lose rows, as they must. Each is put aside and brought
    back exactly as it was (ENABLE ALWAYS stays ENABLE ALWAYS), in the transaction of the flush. Only the tests do
    this; nothing in the product can. Deleting the few rows of a test with foreign keys at rest takes a tenth of the
    time of TRUNCATE, which makes new files for every table; it needs a superuser, as the embedded server's owner is.

    Content types and permissions describe the models and never change in a test: they stay.
    """
    from django.core.management.commands import flush as command
    from django.db import transaction
    from django.db.backends.postgresql.operations import DatabaseOperations

    def sql_flush(self: DatabaseOperations, style: Any, tables: list[str], **options: Any) -> list[str]:
        return [table for table in tables if table not in CONSTANT_TABLES]

    def flush_past_the_ledger(self: DatabaseOperations, tables: list[str]) -> None:
        filled = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT FROM {self.quote_name(table)})" for table in tables
        )
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute(filled)
            names = [name for (name,) in cursor.fetchall()]
            if not names:
                return
            cursor.execute(
                """
                SELECT format('%I.%I', n.nspname, c.relname), quote_ident(t.tgname),
                       CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END
                FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE NOT t.tgisinternal AND t.tgparentid = 0
                  AND t.tgenabled = 'A' AND pg_table_is_visible(c.oid)
                """
            )
            triggers = cursor.fetchall()
            statements = [
                "SET LOCAL session_replication_role = replica",
                *(f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table, name, _enable in triggers),
                *(f"DELETE FROM {self.quote_name(name)}" for name in names),
                *(f"ALTER TABLE {table} {enable} TRIGGER {name}" for table, name, enable in triggers),
            ]
            cursor.execute("; ".join(statements))

    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "execute_sql_flush", flush_past_the_ledger)
    patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
    patch.setattr(command, "emit_post_migrate_signal", lambda *args, **kwargs: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts the whole product and kills it comes first: it mostly waits, while other workers have the processor."""
    items.sort(key=lambda item: item.get_closest_marker("fault") is None)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The tests' database is a copy of the migrated one, where the servers are ours; elsewhere it is migrated as ever."""
    from django.db import connections

    if template := os.environ.get(MIGRATED):
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template
