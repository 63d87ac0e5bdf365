"""Sessions in the database, read by one prepared statement (settings.SESSION_ENGINE).

A signed-in request begins with its session and its user (backends.py); through the ORM the two cost more than all the
rest of a redemption, see docs/performance/redeem.md. Nothing is kept between requests: a session that was ended is
gone at the next.
"""

from typing import Any

from django.contrib.sessions.backends import db

from core.postgresql import prepared_cursor

_LOAD = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > now()"


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        with prepared_cursor() as cursor:
            cursor.execute(_LOAD, [self.session_key])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])
