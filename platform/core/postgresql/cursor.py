"""A cursor that binds its parameters on the server and prepares what it executes."""

from typing import Any, Self

from django.db.backends.postgresql.base import CursorMixin
from psycopg import Cursor


class PreparedCursor(CursorMixin, Cursor[Any]):
    """Prepares each statement at its first execution, unless the connection forbids it (prepare_threshold None)."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        return super().execute(query, params, prepare=True, **how)
