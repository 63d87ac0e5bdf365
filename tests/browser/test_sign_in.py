"""The door: people sign in by phone or e-mail, in both languages and both themes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from identity.models import User
from tests.browser.conftest import Watch
from tests.browser.looks import LOOKS

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long enough one"
WORDS = {
    "zh-hans": ("登录", "手机号或邮箱", "密码"),
    "en": ("Sign in", "Phone number or e-mail", "Password"),
}


@pytest.fixture
def user() -> User:
    return User.objects.create_user(
        name="李娜", phone="+8613812342210", email="lina@example.com", password=PASSWORD
    )


@pytest.mark.parametrize(("screen", "theme", "language"), LOOKS)
def test_sign_in_page_is_readable_by_everyone(
    page: Page, axe: Callable[[Page], None], theme: str, language: str, screen: str
) -> None:
    button, login, password = WORDS[language]

    page.goto("/accounts/login/")

    expect(page.get_by_role("button", name=button, exact=True)).to_be_visible()
    expect(page.get_by_label(login)).to_be_visible()
    expect(page.get_by_label(password)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    expect(page.locator("html")).to_have_attribute("lang", language)
    axe(page)


@pytest.mark.parametrize("login", ["13812342210", "+8613812342210", "lina@example.com"])
def test_user_signs_in_by_phone_or_email(page: Page, user: User, login: str) -> None:
    page.goto("/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("手机号或邮箱").fill(login)
    page.get_by_label("密码").fill(PASSWORD)

    page.get_by_role("button", name="登录", exact=True).click()

    expect(page).to_have_url("/accounts/2fa/")


def test_wrong_password_is_told_in_place_and_signs_nobody_in(page: Page, user: User, axe: Callable) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("手机号或邮箱").fill("13812342210")
    page.get_by_label("密码").fill("not this one at all")

    page.get_by_role("button", name="登录", exact=True).click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid"]
    axe(page)


def test_theme_changes_at_once_and_stays(page: Page) -> None:
    page.goto("/accounts/login/")

    page.get_by_role("button", name="深色").click()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.get_by_role("button", name="深色")).to_have_attribute("aria-pressed", "true")


def test_language_changes_and_stays(page: Page) -> None:
    page.goto("/accounts/login/")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_collector_notices_what_the_policy_blocks(page: Page, watch: Watch) -> None:
    page.goto("/accounts/login/")

    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">')")

    expect(page.locator("p[style]")).to_be_attached()
    assert {violation.split()[0] for violation in watch.violations} == {"style-src-attr"}
    watch.violations.clear()
    watch.errors.clear()


@pytest.mark.parametrize(
    ("fields", "login"),
    [({"email": "only@example.com"}, "only@example.com"), ({"phone": "+8613900000002"}, "139 0000 0002")],
)
def test_one_of_phone_and_email_is_enough(page: Page, fields: dict[str, str], login: str) -> None:
    User.objects.create_user(name="周强", password=PASSWORD, **fields)
    page.goto("/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("手机号或邮箱").fill(login)
    page.get_by_label("密码").fill(PASSWORD)

    page.get_by_role("button", name="登录", exact=True).click()

    expect(page).to_have_url("/accounts/2fa/")
