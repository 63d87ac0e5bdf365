"""Prepared statements, for the few statements that planning would make twice as dear."""

from typing import TYPE_CHECKING, cast

from django.db import connection

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from core.postgresql.base import DatabaseWrapper


def prepared_cursor() -> "CursorWrapper":
    """A cursor whose statements are prepared once per connection; use it in `with`, and only where it was measured.

    Parameters are bound by the server, so a statement must say their types where PostgreSQL cannot infer them. Each
    distinct text is kept by the server for the life of the connection: no text may be built from values. With
    PREPARED_STATEMENTS off (a pooler that cannot keep them) it works all the same, without preparing.
    """
    return cast("DatabaseWrapper", connection).prepared_cursor()
