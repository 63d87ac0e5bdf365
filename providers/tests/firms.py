"""A firm that serves merchants, for tests."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from coupons.tests.town import Town, make_user
from identity.enums import Role, Scope
from identity.models import User
from providers.domain.engagements import agree_offer, propose_engagement
from providers.domain.providers import create_provider, set_provider_membership
from providers.models import Engagement, Provider

SHOP_SCOPES = (Scope.STORES, Scope.DEALS, Scope.REDEMPTIONS, Scope.REFUNDS, Scope.SETTLEMENT)


@dataclass
class Firm:
    provider: Provider
    owner: User
    manager: User
    finance: User

    def engage(
        self,
        town: Town,
        *,
        scopes: Collection[Scope] = SHOP_SCOPES,
        bps: int = 500,
        store_ids: Collection[int] | None = None,
        at_least_until: date | None = None,
    ) -> Engagement:
        """Offered by the firm's owner, agreed by the shop's."""
        offer = propose_engagement(
            provider=self.provider, merchant=town.merchant, scopes=scopes, service_fee_bps=bps,
            store_ids=store_ids, at_least_until=at_least_until, for_party_id=self.provider.pk, by=self.owner,
        )  # fmt: skip
        return agree_offer(offer=offer, by=town.owner)


def make_firm(name: str = "渝味代运营") -> Firm:
    owner, manager, finance = make_user("罗总"), make_user("小段"), make_user("账房老何")
    provider = create_provider(name=name, owner=owner)
    set_provider_membership(provider=provider, user=manager, role=Role.MANAGER, by=owner)
    set_provider_membership(provider=provider, user=finance, role=Role.FINANCE, by=owner)
    return Firm(provider=provider, owner=owner, manager=manager, finance=finance)
