"""Who may give which post to whom: nobody raises anyone above himself, nor beyond his own stores."""

from collections.abc import Collection
from dataclasses import dataclass

from core.errors import DomainError
from identity.domain.grants import live_grants
from identity.enums import Role
from identity.models import User
from merchants.models import Membership, Merchant

MAY_APPOINT: dict[Role, frozenset[Role]] = {
    Role.OWNER: frozenset(Role),
    Role.MANAGER: frozenset({Role.MANAGER, Role.CLERK}),  # finance sees money leave; a manager does not
    Role.FINANCE: frozenset(),
    Role.CLERK: frozenset(),
}
# Owners and finance work for the whole merchant; a manager may be bound to stores, a clerk always is.
BOUND_TO_STORES = frozenset({Role.MANAGER, Role.CLERK})


class AboveOwnPost(DomainError):
    """The post, the person or the stores are beyond what the asker may decide."""

    code = "above_own_post"


@dataclass(frozen=True)
class Post:
    role: Role
    store_ids: frozenset[int] | None  # None: every store


def get_post(*, user: User, merchant: Merchant) -> Post | None:
    """The post the user holds now, from his grant."""
    grant = live_grants(user=user).filter(party_id=merchant.pk, scopes=[]).first()
    if grant is None:
        return None
    return Post(Role(grant.role), None if grant.store_ids is None else frozenset(grant.store_ids))


def check_may_appoint(*, by: User, merchant: Merchant, role: Role, store_ids: Collection[int]) -> None:
    """Raises AboveOwnPost unless `by` may give this post in these stores (none: all stores)."""
    post = get_post(user=by, merchant=merchant)
    if post is None or role not in MAY_APPOINT[post.role]:
        raise AboveOwnPost(role=role)
    if post.store_ids is not None and (not store_ids or not set(store_ids) <= post.store_ids):
        raise AboveOwnPost(role=role)


def check_may_manage(*, by: User, membership: Membership, store_ids: Collection[int]) -> None:
    """Raises AboveOwnPost unless `by` may decide about the person who holds this post in these stores now."""
    check_may_appoint(by=by, merchant=membership.merchant, role=Role(membership.role), store_ids=store_ids)
