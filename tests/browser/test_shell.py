"""What stands around every page of a merchant: rail, drawer, bottom tabs, account menu, keys."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from identity.models import User
from merchants.domain.merchants import create_merchant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(sign_in: Callable[[User], None]) -> User:
    user = User.objects.create_user(name="王老板", phone="+8613800000001")
    create_merchant(slug="laozao", name="山城老灶火锅", owner=user)
    sign_in(user)
    return user


@pytest.mark.parametrize("screen", ["phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_has_tabs_and_a_drawer(
    page: Page, owner: User, axe: Callable[[Page], None], theme: str
) -> None:
    page.goto("/m/laozao/")
    tabs = page.get_by_role("navigation", name="主要页面")
    rail = page.get_by_role("navigation", name="页面", exact=True)

    expect(tabs.get_by_role("link", name="首页")).to_have_attribute("aria-current", "page")
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="打开菜单").click()
    expect(rail.get_by_role("link", name="账单结算")).to_be_visible()
    page.get_by_role("button", name="王老板").click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_desktop_has_a_rail(
    page: Page, owner: User, axe: Callable[[Page], None], theme: str, language: str
) -> None:
    page.goto("/m/laozao/")

    current = page.locator("nav [aria-current=page]:visible")
    expect(current).to_have_count(1)
    expect(current).to_have_text({"zh-hans": "首页", "en": "Home"}[language])
    axe(page)


def test_first_tab_stop_leads_past_the_menu(page: Page, owner: User) -> None:
    page.goto("/m/laozao/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"


def test_account_menu_changes_theme_and_signs_out(page: Page, owner: User) -> None:
    page.goto("/m/laozao/")
    page.get_by_role("button", name="王老板").click()

    page.get_by_role("button", name="深色").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="退出登录").click()

    expect(page).to_have_url("/")
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid"]
