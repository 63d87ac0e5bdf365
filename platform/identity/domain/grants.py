"""Give and end grants."""

from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from identity.enums import Role, Scope
from identity.models import Grant, User


def give_grant(*, user: User, party_id: int, role: Role, store_ids: list[int] | None, why: str) -> Grant:
    """Make the user's grant for this reason exactly this: an older one ends, the new one starts now."""
    end_grants(user=user, party_id=party_id, why=why)
    return Grant.objects.create(user=user, party_id=party_id, role=role, store_ids=store_ids, why=why)


def give_scopes(
    *,
    user: User,
    party_id: int,
    for_party_id: int,
    scopes: Collection[Scope],
    store_ids: list[int] | None,
    why: str,
) -> Grant:
    """As give_grant, by scopes in the name of `for_party_id`."""
    end_grants(user=user, party_id=party_id, why=why)
    return Grant.objects.create(
        user=user,
        party_id=party_id,
        for_party_id=for_party_id,
        scopes=sorted(scopes),
        store_ids=store_ids,
        why=why,
    )


def end_grants(*, user: User, party_id: int, why: str) -> int:
    """End the user's open grants for this reason at once; the number ended."""
    return Grant.objects.filter(user=user, party_id=party_id, why=why, valid_until__isnull=True).update(
        valid_until=Now()
    )


def live_grants(*, user: User) -> QuerySet[Grant]:
    """Grants in force now."""
    return Grant.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=Now()), user=user, valid_from__lte=Now()
    )
