"""Who may stand at which counter, in one prepared statement: the hot path's way through the merchant's door.

The same questions as access_merchant and access_store together, which stay the way for everything else; through the ORM
the two cost twice what a redemption costs (docs/performance/redeem.md). They are asked at every request, so an ended grant
or a store taken away refuses at once. A test holds the two ways together.
"""

from functools import cache

from core.errors import NotFound
from core.postgresql import ModelColumns, prepared_cursor
from identity.enums import Role
from identity.models import User
from merchants.access import COUNTER_ROLES, MerchantAccess
from merchants.models import Merchant, Store

# What a counter needs of its store; the rest is loaded when somebody asks for it.
STORE_FIELDS = ("id", "merchant_id", "name", "state")

_FIND = """
SELECT g.role, g.store_ids, {user}, {store}, {merchant}
FROM (
    SELECT user_id, role, store_ids, party_id FROM identity_grant
    WHERE user_id = %s AND party_id = (SELECT party_id FROM merchants_merchant WHERE slug = %s) AND role = ANY(%s)
      AND valid_from <= statement_timestamp() AND (valid_until IS NULL OR valid_until > statement_timestamp())
    ORDER BY id LIMIT 1) g
JOIN identity_user u ON u.id = g.user_id
JOIN merchants_merchant m ON m.party_id = g.party_id
JOIN merchants_store s ON s.merchant_id = m.party_id AND s.id = %s
WHERE g.store_ids IS NULL OR s.id = ANY(g.store_ids)
"""
_ROLES = sorted(role.value for role in COUNTER_ROLES)


def access_counter(*, user_id: int, slug: str, store_id: int) -> tuple[MerchantAccess, Store]:
    """The shop of this slug and one of its stores, where the user may redeem there. Raises NotFound.

    The caller knows that the user is signed in, or finds out from the access's user.
    """
    statement, users, stores, merchants = _statement()
    with prepared_cursor() as cursor:
        cursor.execute(statement, [user_id, slug, _ROLES, store_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    role, store_ids, *values = row
    access = MerchantAccess(
        merchant=merchants.make(values[users.count + stores.count :]),
        user=users.make(values[: users.count]),
        role=Role(role),
        store_ids=None if store_ids is None else tuple(store_ids),
    )
    return access, stores.make(values[users.count : users.count + stores.count])


@cache
def _statement() -> tuple[str, ModelColumns[User], ModelColumns[Store], ModelColumns[Merchant]]:
    users = ModelColumns(User, "u", without=["phone"])
    stores, merchants = ModelColumns(Store, "s", only=STORE_FIELDS), ModelColumns(Merchant, "m")
    statement = _FIND.format(user=users.text, store=stores.text, merchant=merchants.text)
    return statement, users, stores, merchants
