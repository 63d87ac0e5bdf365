"""The grants an engagement writes: what the provider's staff may do in the client's shop, from the next request on."""

from collections.abc import Collection

from django.db.models import F
from django.db.models.functions import Now

from identity.domain.grants import end_grants, give_scopes
from identity.enums import Role, Scope
from identity.models import Grant
from providers.enums import EngagementState
from providers.models import Engagement, ProviderMembership

IN_FORCE = (EngagementState.ACTIVE, EngagementState.CHANGING)
# What of an engagement each post at the provider gets; owners and managers all of it.
OF_FINANCE = frozenset({Scope.SETTLEMENT})


def grant_why(engagement_id: int) -> str:
    """The reason its grants carry, by which they are found again."""
    return f"engagement:{engagement_id}"


def scopes_of_post(*, role: Role, scopes: Collection[str]) -> frozenset[Scope]:
    """What somebody of this post may do at a client that granted `scopes`."""
    granted = frozenset(Scope(scope) for scope in scopes)
    return granted & OF_FINANCE if role == Role.FINANCE else granted


def write_grants(*, engagement: Engagement) -> None:
    """Make the grants of an engagement exactly what it grants now; the provider's row is locked by the caller."""
    Grant.objects.filter(
        party=engagement.merchant_id, why=grant_why(engagement.pk), valid_until__isnull=True
    ).update(valid_until=Now())
    if engagement.state not in IN_FORCE:
        return
    for membership in ProviderMembership.objects.filter(provider=engagement.provider_id, is_active=True):
        _give(engagement, membership)


def grant_to_staff(*, membership: ProviderMembership) -> None:
    """Make what one person may do at every client what his post gives him; the provider's row is locked."""
    end_staff_grants(membership=membership)
    for engagement in Engagement.objects.filter(provider=membership.provider_id, state__in=IN_FORCE):
        _give(engagement, membership)


def end_staff_grants(*, membership: ProviderMembership) -> None:
    """End what one person may do at the provider's clients, at once."""
    Grant.objects.filter(
        user=membership.user_id,
        for_party=membership.provider_id,
        why__startswith="engagement:",
        valid_until__isnull=True,
    ).exclude(party=F("for_party")).update(valid_until=Now())


def _give(engagement: Engagement, membership: ProviderMembership) -> None:
    scopes = scopes_of_post(role=Role(membership.role), scopes=engagement.scopes)
    why = grant_why(engagement.pk)
    if not scopes:
        end_grants(user=membership.user, party_id=engagement.merchant_id, why=why)
        return
    give_scopes(
        user=membership.user,
        party_id=engagement.merchant_id,
        for_party_id=engagement.provider_id,
        scopes=scopes,
        store_ids=engagement.store_ids,
        why=why,
    )
