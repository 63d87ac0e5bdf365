"""Who is signed in on which browser."""

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from identity.models.user import User


class Session(AbstractBaseSession):
    """Django's session with its user beside it, so that one statement finds both and what he may do.

    `session_data` is signed and decides who is signed in; `user` is copied from it whenever it is saved, null for a visitor.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")

    @classmethod
    def get_session_store_class(cls) -> type:
        from identity.sessions import SessionStore  # it needs this model

        return SessionStore
