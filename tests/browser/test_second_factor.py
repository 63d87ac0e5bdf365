"""The second step of signing in: set up with an authenticator app, asked for, taken off again."""

import time
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Page, expect

from identity.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long enough one"


@pytest.fixture
def user() -> User:
    return User.objects.create_user(name="王老板", email="wang@example.com", password=PASSWORD)


def code_of(secret: str) -> str:
    """What an authenticator shows; near the end of its half minute it is waited for the next one."""
    if (left := 30 - time.time() % 30) < 10:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def enter_password(page: Page) -> None:
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="确认").click()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["phone"])
def test_owner_sets_up_the_second_step_and_is_asked_for_it(
    page: Page, user: User, axe: Callable[[Page], None], theme: str, screen: str
) -> None:
    page.goto("/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("手机号或邮箱").fill("wang@example.com")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("heading", name="两步验证")).to_be_visible()
    axe(page)

    page.get_by_role("link", name="激活").click()
    if "reauthenticate" in page.url:
        enter_password(page)
    secret = page.get_by_label("身份验证器密钥").input_value()
    axe(page)
    page.get_by_label("认证器代码").fill(code_of(secret))
    page.get_by_role("button", name="激活").click()

    expect(page.get_by_role("heading", name="恢复代码")).to_be_visible()
    axe(page)
    assert set(Authenticator.objects.filter(user=user).values_list("type", flat=True)) == {
        "totp",
        "recovery_codes",
    }
    recovery_code = page.get_by_label("未使用的代码").input_value().split()[0]

    page.goto("/accounts/logout/")
    axe(page)
    page.get_by_role("button", name="退出登录").click()
    page.goto("/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("手机号或邮箱").fill("wang@example.com")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page).to_have_url("/accounts/2fa/authenticate/")
    axe(page)
    page.get_by_label("代码").fill("not a code")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("代码").fill(recovery_code)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page).to_have_url("/accounts/2fa/")
