"""Who is signed in: allauth's backend, with the session's user read by one prepared statement."""

from functools import cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as Base

from core.postgresql import ModelColumns, prepared_cursor
from identity.models import User


class AuthenticationBackend(Base):  # type: ignore[misc]
    def get_user(self, user_id: Any) -> User | None:
        """The user of a session, asked at every request; None for one who may not sign in any more."""
        columns = _columns()
        with prepared_cursor() as cursor:
            cursor.execute(f"SELECT {columns.text} FROM identity_user u WHERE u.id = %s", [user_id])
            row = cursor.fetchone()
        user = columns.make(row) if row else None
        return user if user and self.user_can_authenticate(user) else None


@cache
def _columns() -> ModelColumns[User]:
    return ModelColumns(User, "u", without=["phone"])  # taking a number apart costs more than all the rest
