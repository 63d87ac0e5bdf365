"""The merchant's money in Chromium: readable by everyone, in both languages and themes, on phone and desktop."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.enums import StatementState
from coupons.settlement.models import Statement
from coupons.tests.town import Town, make_town
from tests.browser.looks import LOOKS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(transactional_db: None, sign_in: Callable[[Any], None]) -> Town:
    """Redeemed two days ago and settled, and just now; the owner is signed in."""
    with scopes_disabled():
        town = make_town()
        for at in (timezone.now() - timedelta(days=2), timezone.now() - timedelta(minutes=1)):
            (coupon,) = town.buy(at=at - timedelta(minutes=5))
            town.redeem(coupon.code, at=at)
        settle_merchant(merchant_id=town.merchant.pk)
        seal_statements(merchant=town.merchant)
    sign_in(town.owner)
    return town


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("screen", "theme", "language"), LOOKS)
def test_money_pages_are_readable_by_everyone(
    page: Page, town: Town, axe: Callable[[Page], None], screen: str, theme: str, language: str
) -> None:
    base = f"/m/{town.merchant.slug}/"

    page.goto(base)
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    axe(page)
    assert fits(page)

    page.goto(f"{base}statements/")
    axe(page)
    assert fits(page)

    page.locator("#list tbody a").first.click()
    expect(page.locator("#lines tfoot")).to_contain_text("¥124.80")
    axe(page)
    assert fits(page)


def test_the_key_r_and_the_toggle_fetch_fresh_figures(page: Page, town: Town) -> None:
    page.goto(f"/m/{town.merchant.slug}/")
    before = page.locator("#figures time").first.get_attribute("datetime")
    page.wait_for_timeout(1100)

    page.keyboard.press("r")

    expect(page.locator("#figures time").first).not_to_have_attribute("datetime", before or "")
    page.get_by_role("link", name="成交额", exact=True).click()
    expect(page).to_have_url(f"/m/{town.merchant.slug}/?metric=sold")
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    page.locator("summary", has_text="以表格查看").click()
    expect(page.locator("details table tbody tr")).to_have_count(14)


def test_a_statement_is_read_line_by_line_and_confirmed(page: Page, town: Town) -> None:
    page.goto(f"/m/{town.merchant.slug}/statements/")
    page.locator("#list tbody a").first.click()

    page.get_by_role("link", name="逐券").click()
    expect(page.locator("#lines tbody")).to_contain_text("双人鸳鸯锅套餐")
    page.get_by_role("button", name="确认 ¥124.80").click()

    expect(page.get_by_role("status").filter(has_text="已确认")).to_be_visible()
    with scopes_disabled():
        assert Statement.objects.get().state == StatementState.CONFIRMED
