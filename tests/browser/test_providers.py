"""A provider's console and the shop's page about it in Chromium; what is taken back is closed with the next click."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Browser, BrowserContext, Page, expect

from coupons.enums import DealState
from coupons.tests.town import Town, make_town
from identity.enums import Scope
from identity.models import User
from providers.domain.engagements import propose_change
from providers.domain.onboarding import begin_onboarding
from providers.models import Engagement
from providers.tests.firms import SHOP_SCOPES, Firm, make_firm

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Served:
    firm: Firm
    town: Town
    other: Town
    engagement: Engagement


@pytest.fixture
def served(live_server: Any, settings: Any) -> Served:
    """A provider with two clients; at one something waits, and a change is proposed."""
    settings.SITE_URL = live_server.url
    cache.clear()
    with scopes_disabled():
        firm, town, other = make_firm(), make_town(), make_town(slug="chaguan", name="青木茶铺")
        engagement = firm.engage(town, at_least_until=timezone.localdate() + timedelta(days=90))
        firm.engage(other, scopes=[Scope.DEALS])
        town.make_deal(title="被退回的周末双人餐", state=DealState.REJECTED)
        for days_ago in (1, 3, 9):
            coupon = town.buy(at=timezone.now() - timedelta(days=days_ago))[0]
            town.redeem(coupon.code, at=timezone.now() - timedelta(days=days_ago))
        begin_onboarding(
            provider=firm.provider, name="巴适小面", by=firm.owner, contact="刘姐",
            first_contact_date=timezone.localdate() - timedelta(days=6),
        )  # fmt: skip
        propose_change(
            engagement=engagement, scopes=[*SHOP_SCOPES, Scope.MEMBERS], service_fee_bps=450, note="签半年，降半个点",
            for_party_id=firm.provider.pk, by=firm.owner,
        )  # fmt: skip
    return Served(firm=firm, town=town, other=other, engagement=engagement)


def keep(page: Page, name: str) -> None:
    """A picture for whoever asks for one: SHOTS=folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("screen", "theme", "language"), [("phone", "dark", "en"), ("desktop", "light", "zh-hans")]
)
def test_every_page_is_readable_by_everyone(
    page: Page,
    served: Served,
    sign_in: Callable[[Any], None],
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    firm, town = served.firm, served.town
    base, partners = f"/p/{firm.provider.pk}/", f"/m/{town.merchant.slug}/partners/"
    agreement = f"engagements/{served.engagement.pk}/"
    prospect = f"onboarding/{firm.provider.onboardings.get().pk}/"
    walks = {
        firm.owner: [
            *(base + path for path in ("", "figures/", "engagements/", agreement, "staff/", "staff/invite/")),
            *(base + path for path in ("onboarding/", "onboarding/new/", prospect)),
            f"{base}engagements/new/?shop={town.merchant.slug}",
            f"/m/{town.merchant.slug}/deals/",
        ],
        town.owner: [partners, f"{partners}new/", f"{partners}{served.engagement.pk}/"],
    }
    for user, paths in walks.items():
        sign_in(user)
        for number, path in enumerate(paths):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            axe(page)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            keep(page, f"providers-{user.name}-{number}-{screen}-{theme}-{language}")


@pytest.fixture
def second_session(browser: Browser, live_server: Any) -> BrowserContext:
    """Another person's browser, beside the first."""
    context = browser.new_context(base_url=live_server.url, locale="en-US")
    yield context
    context.close()


def enter(context: BrowserContext, user: User, url: str) -> Page:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[project.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


@pytest.mark.parametrize("language", ["en"])
def test_what_the_owner_takes_back_closes_with_the_providers_next_click(
    page: Page,
    served: Served,
    sign_in: Callable[[Any], None],
    second_session: BrowserContext,
    live_server: Any,
    watch: Any,
) -> None:
    slug = served.town.merchant.slug
    theirs = enter(second_session, served.firm.manager, live_server.url)
    theirs.goto(f"/p/{served.firm.provider.pk}/")
    theirs.get_by_role("row").filter(has_text="山城老灶火锅").get_by_role(
        "link", name="Enter the shop"
    ).click()
    expect(theirs.locator(".acting-bar")).to_contain_text("渝味代运营")
    theirs.get_by_role("link", name="Refunds", exact=True).first.click()
    expect(theirs).to_have_url(f"{live_server.url}/m/{slug}/refunds/")

    # The shop's owner, in his own browser, takes refunds back.
    sign_in(served.town.owner)
    page.goto(f"/m/{slug}/partners/{served.engagement.pk}/")
    page.get_by_role("checkbox", name="Refunds").uncheck()
    page.get_by_role("button", name="Take back what is not ticked").click()
    expect(page.get_by_text("Taken back.")).to_be_visible()

    answer = theirs.reload()
    assert answer is not None
    assert answer.status == 404
    answer = theirs.goto(f"/m/{slug}/deals/")
    assert answer is not None
    assert answer.status == 200
    expect(theirs.get_by_role("link", name="Refunds", exact=True)).to_have_count(0)

    # He ends it, after he was told what that costs.
    page.get_by_role("button", name="End the engagement").click()
    expect(page.locator("dialog[open]")).to_contain_text("You agreed to at least until")
    page.locator("dialog[open]").get_by_role("button", name="End it").click()
    expect(page.get_by_text("The provider's people are out of the shop.")).to_be_visible()

    answer = theirs.reload()
    assert answer is not None
    assert answer.status == 404
    theirs.goto(f"/p/{served.firm.provider.pk}/")
    expect(theirs.get_by_role("row").filter(has_text="山城老灶火锅")).to_have_count(0)
    expect(theirs.get_by_role("row").filter(has_text="青木茶铺")).to_have_count(1)
