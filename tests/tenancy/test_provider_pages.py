"""Every page of a provider × its posts, another provider's people, a shop's people and nobody; from the URLconf."""

from dataclasses import dataclass

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from phonenumber_field.phonenumber import PhoneNumber

from coupons.tests.town import Town, make_town
from identity.enums import Scope
from identity.models import User
from providers.domain.engagements import propose_change
from providers.domain.onboarding import begin_onboarding
from providers.domain.staff_invitations import invite_colleague
from providers.tests.firms import Firm, make_firm
from tests.tenancy.urlconf import URLS

pytestmark = pytest.mark.django_db

EVERYBODY = {"owner", "manager", "finance"}
WORKERS = {"owner", "manager"}
OWNER = {"owner"}
PAGES: dict[str, set[str]] = {
    "provider_clients": EVERYBODY,
    "provider_figures": WORKERS,
    "provider_engagements": EVERYBODY,
    "provider_engagement": EVERYBODY,
    "provider_engagement_new": OWNER,
    "provider_engagement_change": OWNER,
    "provider_engagement_agree": OWNER,
    "provider_engagement_refuse": OWNER,
    "provider_engagement_withdraw": OWNER,
    "provider_engagement_end": OWNER,
    "provider_staff": OWNER,
    "provider_staff_invite": OWNER,
    "provider_staff_edit": OWNER,
    "provider_staff_end": OWNER,
    "provider_invitation_withdraw": OWNER,
    "provider_onboardings": WORKERS,
    "provider_onboarding_new": WORKERS,
    "provider_onboarding": WORKERS,
    "provider_onboarding_open": WORKERS,
    "provider_onboarding_invite": WORKERS,
    "provider_onboarding_give_up": WORKERS,
}


@dataclass
class House:
    firm: Firm
    town: Town
    ids: dict[str, int]

    def address(self, name: str, *, provider_id: int | None = None) -> str:
        given = {key: self.ids[key] for key in URLS[name].arguments}
        return reverse(name, kwargs=given | ({"provider_id": provider_id} if provider_id else {}))


def make_house(*, slug: str, name: str, phone: str) -> House:
    town, firm = make_town(slug=slug), make_firm(name)
    engagement = firm.engage(town, bps=0)
    offer = propose_change(
        engagement=engagement,
        scopes=[Scope.DEALS],
        service_fee_bps=0,
        for_party_id=firm.provider.pk,
        by=firm.owner,
    )
    onboarding = begin_onboarding(
        provider=firm.provider, name="新店", first_contact_date=timezone.localdate(), by=firm.owner
    )
    invitation, _secret = invite_colleague(
        provider=firm.provider,
        name="新人",
        phone=PhoneNumber.from_string(phone),
        role="manager",
        by=firm.owner,
    )
    return House(
        firm=firm,
        town=town,
        ids={
            "provider_id": firm.provider.pk,
            "engagement_id": engagement.pk,
            "offer_id": offer.pk,
            "onboarding_id": onboarding.pk,
            "invitation_id": invitation.pk,
            "membership_id": firm.provider.memberships.get(user=firm.manager).pk,
        },
    )


def statuses(user: User | None, url: str) -> set[int]:
    """The answers to looking and to posting; neither leaves a trace."""
    client = Client()
    if user:
        client.force_login(user)
    found = set()
    for method in (client.get, client.post):
        with transaction.atomic():
            found.add(method(url).status_code)
            transaction.set_rollback(True)
    return found


def test_every_page_of_providers_has_its_place() -> None:
    under = {
        name
        for name, url in URLS.items()
        if url.route.startswith("p/<int:provider_id>/") and "station" not in name
    }
    assert under == set(PAGES)


def test_each_post_opens_its_pages_and_nobody_else_any() -> None:
    ours = make_house(slug="laozao", name="渝味代运营", phone="+8613912340001")
    theirs = make_house(slug="chaguan", name="蓉城代运营", phone="+8613912340002")
    people = {"owner": ours.firm.owner, "manager": ours.firm.manager, "finance": ours.firm.finance}
    strangers = [ours.town.owner, ours.town.clerk, ours.town.customer.user, theirs.firm.owner]
    for name, allowed in PAGES.items():
        url = ours.address(name)
        assert 302 in statuses(None, url), name  # to sign in
        for who, user in people.items():
            found = statuses(user, url)
            if who in allowed:
                assert found.isdisjoint({403, 404, 500}), (name, who)
                assert found & {200, 302, 422}, (name, who)
            else:
                assert found <= {404, 405}, (name, who)
                assert 404 in found, (name, who)
        for user in strangers:
            assert statuses(user, url) <= {404, 405}, (name, user.name)
        if set(URLS[name].arguments) - {"provider_id"}:  # their own door, our thing behind it
            foreign = ours.address(name, provider_id=theirs.firm.provider.pk)
            assert statuses(theirs.firm.owner, foreign) <= {404, 405}, name
