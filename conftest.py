"""For all tests: lets Django empty the tables between transactional tests although the ledger refuses it.

The servers themselves are started by `core.embedded.pytest_plugin`.
"""

from typing import Any

import pytest

CONSTANT_TABLES = {"django_content_type", "auth_permission"}


def pytest_configure() -> None:
    """Wrap Django's flush: tables named `ledger_...` carry triggers that refuse TRUNCATE, as they must.

    Each trigger is put aside and brought back exactly as it was (ENABLE ALWAYS stays ENABLE ALWAYS), in the
    transaction of the flush. Only the tests do this; nothing in the product can.

    Content types and permissions describe the models and never change in a test: they stay, because making them
    anew took five times as long as emptying every table.
    """
    from django.core.management.commands import flush as command
    from django.db.backends.postgresql.operations import DatabaseOperations

    flush = DatabaseOperations.execute_sql_flush
    list_statements = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, style: Any, tables: list[str], **options: Any) -> list[str]:
        return list_statements(
            self, style, [table for table in tables if table not in CONSTANT_TABLES], **options
        )

    def flush_past_the_ledger(self: DatabaseOperations, sql_list: list[str]) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT format('%I.%I', n.nspname, c.relname), quote_ident(t.tgname),
                       CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END
                FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgparentid = 0
                  AND c.relname LIKE 'ledger\\_%' AND pg_table_is_visible(c.oid)
                """
            )
            triggers = cursor.fetchall()
        aside = [f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table, name, _enable in triggers]
        back = [f"ALTER TABLE {table} {enable} TRIGGER {name}" for table, name, enable in triggers]
        return flush(self, [*aside, *sql_list, *back])

    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "execute_sql_flush", flush_past_the_ledger)
    patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
    patch.setattr(command, "emit_post_migrate_signal", lambda *args, **kwargs: None)
