"""Sessions in the database, read by one prepared statement (settings.SESSION_ENGINE).

A signed-in request begins with its session and its user (backends.py); through the ORM the two cost more than all the
rest of a redemption, see docs/performance/redeem.md. Nothing is kept between requests: a session that was ended is
gone at the next.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from core.postgresql import prepared_cursor
from identity.models import User

_LOAD = (
    "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > statement_timestamp()"
)


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        with prepared_cursor() as cursor:
            cursor.execute(_LOAD, [self.session_key])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row[0])


def find_user_id(session: SessionBase) -> int | None:
    """Whose session it says it is; believe it once `belongs_to` agrees."""
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    return int(session[SESSION_KEY])


def belongs_to(session: SessionBase, user: User) -> bool:
    """Whether the user signed in to this session with the password he has now.

    What django.contrib.auth.get_user asks, for a statement that brings the user along with other things. Where it says no,
    ask request.user: Django also knows secret keys that were changed.
    """
    known = session.get(HASH_SESSION_KEY)
    return user.is_active and constant_time_compare(known or "", user.get_session_auth_hash())
