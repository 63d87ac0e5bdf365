"""Who sends a token: one query, also for the customer behind it."""

import re
from datetime import timedelta
from functools import cache

from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework import exceptions
from rest_framework.authentication import get_authorization_header
from rest_framework.request import Request

from core.postgresql import ModelColumns, prepared_cursor
from identity.models import Customer, User

CUSTOMER_TOKEN_LIFE = timedelta(days=30)
STAFF_TOKEN_LIFE = timedelta(hours=12)
PREFIX = b"token"
TOKEN = re.compile(rb"[0-9a-f]{64}")


_FIND = """
SELECT {token}, {user}, {customer}
FROM knox_authtoken t JOIN identity_user u ON u.id = t.user_id LEFT JOIN identity_customer c ON c.user_id = u.id
WHERE t.digest = %s AND (t.expiry IS NULL OR t.expiry > statement_timestamp()) AND u.is_active
"""


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """knox's tokens, found by their digest; anything that does not look like one is refused before the database.

    One prepared statement, since every request of the API begins with it (docs/performance/redeem.md). Nothing is kept:
    a token that was signed out is refused at once.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        digest = digest_token(token)
        if digest:
            statement, tokens, users, customers = _statement()
            with prepared_cursor() as cursor:
                cursor.execute(statement, [digest])
                row = cursor.fetchone()
            if row:
                after_token, after_user = tokens.count, tokens.count + users.count
                found, user = tokens.make(row[:after_token]), users.make(row[after_token:after_user])
                customer = customers.make(row[after_user:]) if row[after_user] is not None else None
                User._meta.get_field("customer").set_cached_value(user, customer)  # type: ignore[union-attr]
                found.user = user
                return user, found
        raise exceptions.AuthenticationFailed(_("This token is not valid, or no longer."))


@cache
def _statement() -> tuple[str, ModelColumns[AuthToken], ModelColumns[User], ModelColumns[Customer]]:
    tokens, users, customers = (
        ModelColumns(AuthToken, "t"),
        ModelColumns(User, "u", without=["phone"]),
        ModelColumns(Customer, "c"),
    )
    return _FIND.format(token=tokens.text, user=users.text, customer=customers.text), tokens, users, customers


def read_digest(request: Request) -> str:
    """Under what the request's token would be kept; "" where it sends none, or nothing that could be one."""
    words = get_authorization_header(request).split()
    if len(words) != 2 or words[0].lower() != PREFIX:
        return ""
    return digest_token(words[1])


def digest_token(token: bytes) -> str:
    """Under what a token is kept; "" for what cannot be one."""
    return hash_token(token.decode()) if TOKEN.fullmatch(token) else ""


def give_token(*, user: User, life: timedelta) -> tuple[str, AuthToken]:
    """A fresh token; only its digest is kept."""
    row, token = AuthToken.objects.create(user=user, expiry=life)
    return token, row
