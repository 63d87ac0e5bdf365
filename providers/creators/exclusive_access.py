"""How exclusive rights enter a merchant's page."""

from django.db.models import Prefetch, QuerySet

from core.errors import NotFound
from identity.models import Party
from merchants.access import MerchantAccess
from providers.creators.models import Exclusivity


def access_exclusivities(*, access: MerchantAccess) -> "QuerySet[Exclusivity]":
    """The shop's, newest first; for who acts for a provider those it holds or asked for."""
    rights = (
        Exclusivity.objects.filter(merchant=access.merchant)
        .select_related("merchant__party", "deal", "proposed_for", "proposed_by", "answered_by")
        .prefetch_related(Prefetch("holders", Party.objects.order_by("name", "id")))
        .order_by("-id")
    )
    if access.for_party is not None:
        rights = rights.filter(holders=access.for_party)
    return rights


def access_exclusivity(*, access: MerchantAccess, exclusivity_id: int) -> Exclusivity:
    """One of them. Raises NotFound."""
    right = access_exclusivities(access=access).filter(pk=exclusivity_id).first()
    if right is None:
        raise NotFound
    return right
