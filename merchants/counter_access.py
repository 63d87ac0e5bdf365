"""Who stands at which counter, in one prepared statement: the hot path's way through the merchant's door.

Who is signed in, and the same questions as access_merchant and access_store together, which stay the way for everything
else; through the ORM they cost several times what a redemption costs (docs/performance/redeem.md). All of it is asked at
every request, so a session that ended, a token taken back, an ended grant or a store taken away refuses at once. A test
holds the two ways together.
"""

from dataclasses import dataclass
from functools import cache

from core.postgresql import ModelColumns, prepared_cursor
from identity.enums import Role
from identity.models import User
from merchants.access import COUNTER_ROLES, MerchantAccess
from merchants.models import Merchant, Store

# What a counter needs of its store; the rest is loaded when somebody asks for it. So are a user's phone and moments:
# reading them costs more than all the other columns.
STORE_FIELDS = ("id", "merchant_id", "name", "state")

# {sign_in} knows its user. Without a counter there it still brings the user along.
_FIND = """
SELECT {told}, {user}, g.role, g.store_ids, {store}, {merchant}
FROM {sign_in} k
JOIN identity_user u ON u.id = k.user_id
LEFT JOIN merchants_merchant m ON m.slug = %(slug)s
LEFT JOIN LATERAL (
    SELECT role, store_ids FROM identity_grant
    WHERE user_id = u.id AND party_id = m.party_id AND role IN ({roles})
      AND valid_from <= statement_timestamp() AND (valid_until IS NULL OR valid_until > statement_timestamp())
    ORDER BY id LIMIT 1) g ON true
LEFT JOIN merchants_store s ON s.merchant_id = m.party_id AND s.id = %(store_id)s
    AND (g.store_ids IS NULL OR s.id = ANY(g.store_ids))
WHERE {live}
"""


@dataclass(frozen=True)
class AtCounter:
    """Who asks, and where he may redeem: None where he may not, or there is no such store."""

    user: User
    place: tuple[MerchantAccess, Store] | None
    session_data: str = ""  # of a session


def find_by_session(*, session_key: str, slug: str, store_id: int) -> AtCounter | None:
    """The user of a session that has not ended; None where there is none.

    Whether he may still use it (his password, is_active) the caller finds out: identity.sessions.belongs_to.
    """
    return _find(_by_session(), key=session_key, slug=slug, store_id=store_id)


def find_by_token(*, digest: str, slug: str, store_id: int) -> AtCounter | None:
    """The user of a token that has not ended, who may sign in; None where there is none."""
    return _find(_by_token(), key=digest, slug=slug, store_id=store_id)


@dataclass(frozen=True)
class _Statement:
    text: str
    users: ModelColumns[User]
    stores: ModelColumns[Store]
    merchants: ModelColumns[Merchant]


def _find(statement: _Statement, **wanted: str | int) -> AtCounter | None:
    with prepared_cursor() as cursor:
        cursor.execute(statement.text, wanted)
        row = cursor.fetchone()
    if row is None:
        return None
    after_user = 1 + statement.users.count
    after_store = after_user + 2 + statement.stores.count
    user = statement.users.make(row[1:after_user])
    role, store_ids = row[after_user : after_user + 2]
    if role is None or row[after_user + 2] is None:
        return AtCounter(user=user, place=None, session_data=row[0])
    access = MerchantAccess(
        merchant=statement.merchants.make(row[after_store:]),
        user=user,
        role=Role(role),
        store_ids=None if store_ids is None else tuple(store_ids),
    )
    store = statement.stores.make(row[after_user + 2 : after_store])
    return AtCounter(user=user, place=(access, store), session_data=row[0])


@cache
def _by_session() -> _Statement:
    return _statement(
        told="k.session_data",
        sign_in="identity_session",
        live="k.session_key = %(key)s AND k.expire_date > statement_timestamp()",
    )


@cache
def _by_token() -> _Statement:
    return _statement(
        told="''",
        sign_in="knox_authtoken",
        live="k.digest = %(key)s AND (k.expiry IS NULL OR k.expiry > statement_timestamp()) AND u.is_active",
    )


def _statement(**parts: str) -> _Statement:
    users = ModelColumns(User, "u", without=["phone", "last_login", "created_at"])
    stores = ModelColumns(Store, "s", only=STORE_FIELDS)
    merchants = ModelColumns(Merchant, "m", without=["created_at"])
    roles = ", ".join(
        f"'{role.value}'" for role in sorted(COUNTER_ROLES)
    )  # a parameter would cost more than all others
    text = _FIND.format(user=users.text, store=stores.text, merchant=merchants.text, roles=roles, **parts)
    return _Statement(text, users, stores, merchants)
