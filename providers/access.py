"""How providers, their clients and engagements enter a view: from the user's grants. Forbidden and missing look alike."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from core.errors import NotFound
from identity.domain.grants import live_grants
from identity.enums import Role
from identity.models import AuditEvent, User
from merchants.access import MerchantAccess
from merchants.enums import InvitationState
from providers.domain.granting import IN_FORCE
from providers.models import (
    Engagement,
    EngagementOffer,
    Onboarding,
    Provider,
    ProviderInvitation,
    ProviderMembership,
)

_OF_OFFERS = (
    "engagement__provider__party",
    "engagement__merchant__party",
    "proposed_for",
    "proposed_by",
    "answered_by",
)
PROVIDER_ROLES = frozenset({Role.OWNER, Role.MANAGER, Role.FINANCE})


@dataclass(frozen=True)
class ProviderAccess:
    """What a user may do for a provider."""

    provider: Provider
    user: User
    role: Role


def access_provider(
    *, user: User, provider_id: int, roles: Collection[Role] = PROVIDER_ROLES
) -> ProviderAccess:
    """The provider the user works for in one of the roles. Raises NotFound."""
    grant = (
        live_grants(user=user)
        .filter(party_id=provider_id, party__provider__isnull=False, role__in=list(roles))
        .select_related("party__provider")
        .first()
    )
    if grant is None:
        raise NotFound
    return ProviderAccess(provider=grant.party.provider, user=user, role=Role(grant.role))


def access_providers(*, user: User) -> list[ProviderAccess]:
    """Every provider the user works for, by name."""
    grants = (
        live_grants(user=user)
        .filter(party__provider__isnull=False, role__in=list(PROVIDER_ROLES))
        .select_related("party__provider")
        .order_by("party__provider__name")
    )
    return [
        ProviderAccess(provider=grant.party.provider, user=user, role=Role(grant.role)) for grant in grants
    ]


def access_clients(*, access: ProviderAccess) -> "QuerySet[Engagement]":
    """The engagements in force, by the client's name."""
    return (
        Engagement.objects.filter(provider=access.provider, state__in=IN_FORCE)
        .select_related("merchant", "provider", "terms")
        .order_by("merchant__name", "id")
    )


def access_engagements(*, access: ProviderAccess) -> "QuerySet[Engagement]":
    """All of the provider's engagements, offered and over ones too, newest first."""
    return (
        Engagement.objects.filter(provider=access.provider)
        .select_related("merchant", "provider", "terms")
        .order_by("-id")
    )


def access_engagement(*, access: ProviderAccess, engagement_id: int) -> Engagement:
    """One of the provider's. Raises NotFound."""
    return _one(access_engagements(access=access), engagement_id)


def access_partners(*, access: MerchantAccess) -> "QuerySet[Engagement]":
    """All of the merchant's engagements, newest first; for its own staff. Raises NotFound for who acts for others."""
    if access.role is None:
        raise NotFound
    return (
        Engagement.objects.filter(merchant=access.merchant)
        .select_related("merchant", "provider", "terms")
        .order_by("-id")
    )


def access_partner(*, access: MerchantAccess, engagement_id: int) -> Engagement:
    """One of the merchant's. Raises NotFound."""
    return _one(access_partners(access=access), engagement_id)


def access_open_offer(*, engagement: Engagement) -> EngagementOffer | None:
    """The offer that waits for its answer."""
    return engagement.offers.filter(state="proposed").select_related(*_OF_OFFERS).first()


def access_offer(*, engagement: Engagement, offer_id: int) -> EngagementOffer:
    """One of the engagement's offers. Raises NotFound."""
    offer = engagement.offers.filter(pk=offer_id).select_related(*_OF_OFFERS).first()
    if offer is None:
        raise NotFound
    return offer


def access_offers(*, engagement: Engagement) -> "QuerySet[EngagementOffer]":
    """Every version, newest first."""
    return engagement.offers.select_related(*_OF_OFFERS).order_by("-version")


def access_acts(*, access: MerchantAccess, engagement: Engagement) -> "QuerySet[AuditEvent]":
    """What the provider's people did in this shop in its name, newest first; for the shop's own staff. Raises NotFound."""
    access_partner(access=access, engagement_id=engagement.pk)
    return (
        AuditEvent.objects.filter(merchant_id=access.merchant.pk, for_party=engagement.provider_id)
        .select_related("for_party")
        .order_by("-at", "-id")
    )


def access_provider_staff(*, access: ProviderAccess) -> "QuerySet[ProviderMembership]":
    """The posts held now, by name."""
    return (
        ProviderMembership.objects.filter(provider=access.provider, is_active=True)
        .select_related("user", "provider")
        .order_by("user__name", "id")
    )


def access_provider_membership(*, access: ProviderAccess, membership_id: int) -> ProviderMembership:
    """One post held now. Raises NotFound."""
    membership = access_provider_staff(access=access).filter(pk=membership_id).first()
    if membership is None:
        raise NotFound
    return membership


def access_provider_invitations(*, access: ProviderAccess) -> "QuerySet[ProviderInvitation]":
    """Invitations that can still be accepted, newest first."""
    return (
        ProviderInvitation.objects.filter(
            provider=access.provider, state=InvitationState.SENT, valid_until__gt=timezone.now()
        )
        .select_related("provider__party", "invited_by")
        .order_by("-id")
    )


def access_provider_invitation(*, access: ProviderAccess, invitation_id: int) -> ProviderInvitation:
    """One open invitation. Raises NotFound."""
    invitation = access_provider_invitations(access=access).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    return invitation


def access_onboardings(*, access: ProviderAccess) -> "QuerySet[Onboarding]":
    """The shops the provider brings in, newest first."""
    return (
        Onboarding.objects.filter(provider=access.provider)
        .select_related("merchant", "provider", "created_by")
        .order_by("-id")
    )


def access_onboarding(*, access: ProviderAccess, onboarding_id: int) -> Onboarding:
    """One of them. Raises NotFound."""
    onboarding = access_onboardings(access=access).filter(pk=onboarding_id).first()
    if onboarding is None:
        raise NotFound
    return onboarding


def _one(engagements: "QuerySet[Engagement]", engagement_id: int) -> Engagement:
    engagement = engagements.filter(pk=engagement_id).first()
    if engagement is None:
        raise NotFound
    return engagement
