"""The database backend: health checks without a round trip, cursors with prepared statements.

Measured in docs/performance/redeem.md.
"""

import select
from typing import Any

from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper

from core.postgresql.cursor import PreparedCursor


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        """For query logs: the statement as written where psycopg does not keep what it sent."""
        return super().last_executed_query(cursor, sql, params) or str(sql)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    health_check_enabled: bool
    health_check_done: bool

    def close_if_health_check_failed(self) -> None:
        """What CONN_HEALTH_CHECKS asks before a request's first statement, but a look at the socket comes first.

        A server that stopped, restarted or ended our session has said so or closed its end, so an idle connection
        with something to read is asked properly (SELECT 1), and one with nothing to read is used at once: a round trip
        less in every request.
        """
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if self.connection.closed or _has_something_to_read(self.connection.fileno()):
            super().close_if_health_check_failed()
        else:
            self.health_check_done = True

    def init_connection_state(self) -> None:
        """Let prepared statements keep one plan.

        By itself PostgreSQL plans a statement with an array among its parameters anew each time, because it guesses ten
        elements where there is one; planning costs more than running it.
        """
        super().init_connection_state()
        if self.connection.prepare_threshold is not None:
            with self.connection.cursor() as cursor:
                cursor.execute("SET plan_cache_mode = force_generic_plan")

    def prepared_cursor(self) -> CursorWrapper:
        """As cursor(), for statements that the server parses and plans once per connection."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(  # type: ignore[attr-defined]
                PreparedCursor(self.connection)
            )


def _has_something_to_read(descriptor: int) -> bool:
    if hasattr(select, "poll"):
        watched: Any = select.poll()
        watched.register(descriptor, select.POLLIN)
        return bool(watched.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])
