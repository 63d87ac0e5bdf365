"""Refunds in Chromium: a customer asks for a use's money, the merchant decides by hand and by key, a deal is recalled."""

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from core.domain.jobs import run_due_jobs
from coupons.domain.use_refunds import reject_refund, request_refund_of_use
from coupons.models import Coupon, Recall, Redemption, Refund
from coupons.tests.town import Town, make_town
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, give_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(live_server: Any, settings: Any) -> Town:
    settings.SITE_URL = live_server.url
    cache.clear()
    with scopes_disabled():
        return make_town()


def use(town: Town, *, ago: timedelta = timedelta(days=1)) -> Redemption:
    at = timezone.now() - ago
    with scopes_disabled():
        (coupon,) = town.buy(at=at)
        town.redeem(coupon.code, at=at)
        return Redemption.objects.get(coupon=coupon)


def ask(town: Town, words: str = "锅底端上来就是凉的，等了半小时也没有换。") -> Refund:
    with scopes_disabled():
        return request_refund_of_use(
            redemption=use(town), cause="quality", words=words, by=town.customer.user
        )


def as_customer(page: Page, town: Town) -> None:
    token = give_token(user=town.customer.user, life=CUSTOMER_TOKEN_LIFE)[0]
    page.add_init_script(f"localStorage.setItem('tongdao.token', '{token}')")


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def keep(page: Page, name: str) -> None:
    """A picture for whoever asks for one: SHOTS=folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("screen", ["phone", "desktop"])
@pytest.mark.parametrize(("theme", "language"), [("light", "zh-hans"), ("dark", "en")])
def test_refund_pages_are_readable_by_everyone(
    page: Page,
    town: Town,
    sign_in: Callable[[Any], None],
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    refund, rejected = ask(town), ask(town)
    with scopes_disabled():
        reject_refund(refund=rejected, by=town.owner, reason="当场已换新锅底")
        town.buy(quantity=3)
    sign_in(town.owner)
    base = f"/m/{town.merchant.slug}/"
    look = f"{screen}-{theme}-{language}"
    pages = {
        "list": f"{base}refunds/",
        "rejected": f"{base}refunds/?state=rejected",
        "empty": f"{base}refunds/?state=done",
        "detail": f"{base}refunds/{refund.pk}/",
        "question": f"{base}refunds/{refund.pk}/?ask=approve",
        "refuse": f"{base}refunds/{refund.pk}/?ask=reject",
        "give": f"{base}redemptions/{rejected.redemption_id}/refund/",
        "recalls": f"{base}recalls/",
        "recall": f"{base}recalls/new/?deal={town.deal.pk}",
    }
    for name, address in pages.items():
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        axe(page)
        assert fits(page), address
        keep(page, f"{name}-{look}")


@pytest.mark.parametrize("language", ["en"])
def test_the_merchant_decides_by_key_and_a_second_click_changes_nothing(
    page: Page, town: Town, sign_in: Callable[[Any], None], axe: Callable[[Page], None], watch: Any
) -> None:
    first, second = ask(town), ask(town)
    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/refunds/")
    page.locator("#list tbody a").first.click()

    expect(page.get_by_text("Left to decide:")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("a")
    question = page.get_by_role("dialog")
    expect(question).to_be_visible()
    axe(page)
    question.get_by_label("Amount to give back").fill("60")
    question.get_by_role("button", name="Agree and refund").click()
    expect(page.get_by_text("Say why it is only a part.")).to_be_visible()
    assert "422" in watch.errors.pop()  # the browser's own word about the answer
    axe(page)
    page.get_by_role("dialog").get_by_label("Reason", exact=True).select_option(index=2)
    page.get_by_role("dialog").get_by_role("button", name="Agree and refund").dblclick()
    expect(page.get_by_text("Agreed. The money goes back to the customer.")).to_be_visible()

    page.goto(f"/m/{town.merchant.slug}/refunds/{second.pk}/")
    page.keyboard.press("x")
    page.get_by_role("dialog").get_by_label("Or in your own words").fill("Served again at once")
    page.get_by_role("dialog").get_by_role("button", name="Reject the request").click()
    expect(page.get_by_text("Rejected. The customer reads your reason.")).to_be_visible()
    axe(page)

    with scopes_disabled():
        run_due_jobs(kinds=["pay_refund"])
        first.refresh_from_db()
        second.refresh_from_db()
    assert (first.state, first.amount_fen) == ("paid_out", 6_000)
    assert (second.state, second.decision_reason) == ("rejected", "Served again at once")


@pytest.mark.parametrize("language", ["en"])
def test_a_deal_is_recalled_and_the_page_tells_how_far_it_is(
    page: Page, town: Town, sign_in: Callable[[Any], None], axe: Callable[[Page], None]
) -> None:
    with scopes_disabled():
        town.buy(quantity=3)
    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/refunds/")
    page.get_by_role("link", name="Recall a deal").click()
    page.get_by_role("button", name="See what a recall takes back").click()
    page.get_by_label("What customers read").fill("A supplier's fault; your money comes back by itself.")
    page.get_by_label("Type the number of coupons").fill("3")
    page.get_by_role("button", name="Recall 3 coupons").click()
    expect(page.locator("#progress")).to_contain_text("0 / 3")
    axe(page)
    keep(page, "progress")
    with scopes_disabled():
        while run_due_jobs(kinds=["recall", "pay_refund"]):
            pass
        assert Recall.objects.get().coupons == 3
    expect(page.locator("#progress")).to_contain_text("Done")
    expect(page.locator("#progress")).to_contain_text(re.compile(r"Paid back\s*3 / 3"))
    axe(page)
    with scopes_disabled():
        assert set(Coupon.objects.values_list("state", flat=True)) == {"refunded"}


@pytest.mark.parametrize(
    ("theme", "language", "button", "send"),
    [
        ("light", "en", "Something was wrong", "Ask for it"),
        ("dark", "zh-hans", "有问题", "提交申请"),
    ],
)
@pytest.mark.parametrize("screen", ["phone"])
def test_a_customer_asks_for_the_money_of_a_use_and_reads_the_answer(
    page: Page,
    town: Town,
    axe: Callable[[Page], None],
    theme: str,
    language: str,
    button: str,
    send: str,
    screen: str,
) -> None:
    redemption = use(town)
    as_customer(page, town)
    page.goto(f"/h5/{town.merchant.slug}/coupons/{redemption.coupon_id}/")
    page.get_by_role("button", name=re.compile(button)).click()
    page.locator("#cause").select_option("quality")
    page.locator("#ask-words").fill("锅底凉了")
    axe(page)
    keep(page, f"ask-{theme}-{language}")
    page.get_by_role("button", name=send).click()
    expect(page.locator("#uses [data-slot=refund_state]")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(button))).to_be_hidden()
    axe(page)
    assert fits(page)
    keep(page, f"asked-{theme}-{language}")
    with scopes_disabled():
        refund = Refund.objects.get()
        assert (refund.cause, refund.words, refund.amount_fen) == ("quality", "锅底凉了", 12_800)
        reject_refund(refund=refund, by=town.owner, reason="当场已换新锅底")
    expect(page.locator("#uses")).to_contain_text("当场已换新锅底")
    axe(page)
