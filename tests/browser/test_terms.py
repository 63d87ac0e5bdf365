"""Terms in Chromium: read on both screens in both themes, and agreed to behind a question."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.tests.town import Town, make_town
from merchants.enums import ShareKind
from merchants.models import Terms
from merchants.tests.agreeing import agree, make_payee, propose

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(live_server: Any, settings: Any) -> Town:
    settings.SITE_URL = live_server.url
    cache.clear()
    with scopes_disabled():
        town = make_town()
        provider = make_payee(ShareKind.SERVICE_FEE, "渝味代运营有限公司")
        agree(town.merchant, ShareKind.SERVICE_FEE, 800, by=town.owner, payee=provider)
        agree(
            town.merchant,
            ShareKind.STATION_SHARE,
            120,
            by=town.owner,
            payee=make_payee(ShareKind.STATION_SHARE, "重庆站"),
        )
        agree(town.merchant, ShareKind.SERVICE_FEE, 750, by=town.owner, payee=provider)
        propose(town.merchant, ShareKind.PLATFORM_FEE, 300)
    return town


def keep(page: Page, name: str) -> None:
    """A picture for whoever asks for one: SHOTS=folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("screen", ["phone", "desktop"])
@pytest.mark.parametrize(("theme", "language"), [("light", "zh-hans"), ("dark", "en")])
def test_terms_are_readable_by_everyone(
    page: Page,
    town: Town,
    sign_in: Callable[[Any], None],
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/terms/")
    axe(page)
    keep(page, f"terms-{screen}-{theme}-{language}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("[data-dialog^=accept]").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    axe(page)
    keep(page, f"terms-ask-{screen}-{theme}-{language}")


def test_an_owner_agrees_behind_a_question(page: Page, town: Town, sign_in: Callable[[Any], None]) -> None:
    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/terms/")
    page.locator("[data-dialog^=accept]").click()
    page.locator("dialog[open] [data-close]").click()
    with scopes_disabled():
        assert Terms.objects.filter(state="proposed").count() == 1
    page.locator("[data-dialog^=accept]").click()
    page.locator("dialog[open] button[type=submit]").click()
    expect(page.locator("[data-dialog^=accept]")).to_have_count(0)
    with scopes_disabled():
        assert Terms.objects.get(kind="platform_fee", state="in_force").bps == 300
