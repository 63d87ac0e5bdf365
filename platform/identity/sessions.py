"""Sessions in the database, read by prepared statements (settings.SESSION_ENGINE).

A signed-in request begins with its session and its user (backends.py); through the ORM the two cost more than all the
rest of a redemption, see docs/performance/redeem.md. Nothing is kept between requests: a session that was ended is
gone at the next.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.utils.crypto import constant_time_compare

from core.postgresql import prepared_cursor
from identity.models import Session, User

_LOAD = (
    "SELECT session_data FROM identity_session WHERE session_key = %s AND expire_date > statement_timestamp()"
)


class SessionStore(db.SessionStore):
    _session_cache: dict[str, Any]

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row

    def load(self) -> dict[str, Any]:
        with prepared_cursor() as cursor:
            cursor.execute(_LOAD, [self.session_key])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])

    def adopt(self, session_data: str) -> None:
        """Take over what a statement has read that brought the session along with other things.

        A session that was loaded before keeps what it has.
        """
        if not hasattr(self, "_session_cache"):
            self._session_cache = self.decode(session_data)


def belongs_to(session: SessionStore, user: User) -> bool:
    """Whether this user signed in to this session, with the password he has now.

    What django.contrib.auth.get_user asks, for a statement that brings the user along with other things. Where it says no,
    ask request.user: Django also knows secret keys that were changed.
    """
    return (
        user.is_active
        and session.get(SESSION_KEY) == str(user.pk)
        and session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(session.get(HASH_SESSION_KEY) or "", user.get_session_auth_hash())
    )
