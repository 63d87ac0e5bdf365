"""Who sends a token: one query, also for the customer behind it."""

import re
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework import exceptions

from identity.models import User

CUSTOMER_TOKEN_LIFE = timedelta(days=30)
STAFF_TOKEN_LIFE = timedelta(hours=12)
TOKEN = re.compile(rb"[0-9a-f]{64}")


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """knox's tokens, found by their digest; anything that does not look like one is refused before the database."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        if TOKEN.fullmatch(token):
            row = (
                AuthToken.objects.select_related("user__customer")
                .filter(digest=hash_token(token.decode()))
                .first()
            )
            if row and row.user.is_active and (row.expiry is None or row.expiry > timezone.now()):
                return row.user, row
        raise exceptions.AuthenticationFailed(_("This token is not valid, or no longer."))


def give_token(*, user: User, life: timedelta) -> tuple[str, AuthToken]:
    """A fresh token; only its digest is kept."""
    row, token = AuthToken.objects.create(user=user, expiry=life)
    return token, row
