"""Buying on a phone: sign in, order, pay at the cashier of another company, show the coupon, give it back."""

import re
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from core.domain.jobs import run_due_jobs
from coupons.domain.deals import set_stock
from coupons.domain.payments import start_payment
from coupons.models import Coupon, DealStock, Order
from coupons.tests.town import Town, make_customer, make_town
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, give_token
from tests.browser.looks import LOOKS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def screen() -> str:
    return "phone"


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def town(live_server: Any, settings: Any) -> Town:
    settings.SITE_URL = live_server.url
    cache.clear()
    return make_town()


@pytest.fixture
def worker(live_server: Any) -> Iterator[None]:
    """Does due jobs beside the page, as Celery does: among them the provider's notifications over HTTP."""
    stop = Event()

    def work() -> None:
        while not stop.wait(0.2):
            run_due_jobs(kinds=["sandbox_notify", "pay_refund"])
        connections.close_all()

    thread = Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def sign_in_here(page: Page, phone: str = "13800002210") -> None:
    """At the sandbox platform's page."""
    page.get_by_label("Phone number").fill(phone)
    page.get_by_label("Nickname").fill("Ming")
    page.get_by_role("button", name="Continue").click()


def order_one(page: Page, town: Town, quantity: int = 1) -> None:
    page.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name=re.compile("^Buy")).click()
    sign_in_here(page)
    expect(page).to_have_url(re.compile(r"/orders/\d+/$"))


def test_customer_buys_and_shows_the_coupon(page: Page, town: Town, worker: None, axe: Callable) -> None:
    page.goto(f"/h5/{town.merchant.slug}/")
    expect(page.get_by_role("heading", name=town.merchant.name, level=1)).to_be_visible()
    axe(page)
    page.get_by_role("link", name=re.compile(town.deal.title)).click()
    expect(page.get_by_text("¥128", exact=True).first).to_be_visible()
    axe(page)
    page.get_by_role("button", name="One more").click()
    page.get_by_role("button", name="Buy ¥256").click()
    axe(page)
    sign_in_here(page)

    expect(page.get_by_role("button", name="Pay ¥256")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Pay ¥256").click()
    expect(page.get_by_text("Sandbox Pay")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Pay", exact=True).click()

    expect(page.get_by_text("Paid. Show one of these coupons in the store.")).to_be_visible()
    with scopes_disabled():
        coupons = list(Coupon.objects.order_by("id"))
    assert len(coupons) == 2
    page.locator("#coupons a").first.click()
    code = coupons[0].code
    expect(page.get_by_text(" ".join(code[i : i + 4] for i in range(0, 15, 4)))).to_be_visible()
    expect(page.get_by_role("img", name="QR code of this coupon")).to_be_visible()
    assert page.locator("#qr").evaluate("image => image.complete && image.naturalWidth > 0")
    axe(page)

    town.redeem(code)

    expect(page.locator("#coupon").get_by_text("Used").first).to_be_visible()
    expect(page.get_by_role("img", name="QR code of this coupon")).to_be_hidden()
    expect(page.locator("#uses")).to_contain_text(town.store.name)


def test_coupon_is_given_back_before_use(page: Page, town: Town, worker: None, axe: Callable) -> None:
    order_one(page, town)
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("button", name="Pay", exact=True).click()
    page.locator("#coupons a").first.click()

    page.get_by_role("button", name="Ask for a refund").click()
    axe(page)
    page.get_by_role("button", name="Refund it").click()

    expect(page.get_by_text("Paid back · ¥128")).to_be_visible()
    expect(page.get_by_role("img", name="QR code of this coupon")).to_be_hidden()
    with scopes_disabled():
        assert Coupon.objects.get().state == "refunded"
        assert DealStock.objects.get(pk=town.deal.pk).sold == 0
    page.get_by_role("link", name="My coupons").last.click()
    expect(page.locator("#rows").get_by_text("Refunded")).to_be_visible()
    axe(page)


def test_order_is_cancelled_after_asking(page: Page, town: Town) -> None:
    order_one(page, town)

    page.get_by_role("button", name="Cancel the order").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()

    expect(page.locator("#order").get_by_text("Closed").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Pay"))).to_be_hidden()
    with scopes_disabled():
        assert Order.objects.get().state == "closed"
        assert DealStock.objects.get(pk=town.deal.pk).held == 0


def test_refused_payment_can_be_tried_again(page: Page, town: Town, worker: None) -> None:
    order_one(page, town)
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("button", name="The bank refuses").click()
    expect(page.get_by_text("Waiting for the payment company")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("button", name="Pay; confirmed twice, and").click()

    expect(page.get_by_text("Paid. Show one of these coupons in the store.")).to_be_visible()
    with scopes_disabled():
        assert Coupon.objects.count() == 1


def test_refusal_is_said_on_the_page(page: Page, town: Town, watch: Any) -> None:
    order_one(page, town)
    with scopes_disabled():
        set_stock(deal=town.deal, total=1, by=town.owner)
    page.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    expect(page.get_by_text("Sold out")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Buy"))).to_have_count(0)

    with scopes_disabled():
        set_stock(deal=town.deal, total=2, by=town.owner)
    page.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    with scopes_disabled():
        set_stock(deal=town.deal, total=1, by=town.owner)
    page.get_by_role("button", name=re.compile("^Buy")).click()

    expect(page.get_by_role("alert")).to_contain_text("Sold out: 0 left.")
    with scopes_disabled():
        assert Order.objects.count() == 1
    assert [error for error in watch.errors if "409" not in error] == []
    watch.errors.clear()


def test_press_whose_answer_was_lost_makes_one_order(page: Page, town: Town, watch: Any) -> None:
    order_one(page, town)
    page.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    # The order arrives; its answer does not.
    lost = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/api/v1/orders/", lose)
    page.get_by_role("button", name=re.compile("^Buy")).click()
    expect(page.get_by_role("alert")).to_contain_text("The shop cannot be reached.")

    page.get_by_role("button", name="Try again").click()

    expect(page).to_have_url(re.compile(r"/orders/\d+/$"))
    with scopes_disabled():
        assert Order.objects.count() == 2  # the first one, and one of two presses
    assert lost == [201]
    watch.errors.clear()


@pytest.mark.parametrize(("screen", "theme", "language"), LOOKS)
def test_pages_are_readable_by_everyone(
    page: Page, town: Town, axe: Callable, screen: str, theme: str, language: str
) -> None:
    town.make_deal(
        title="100元代金券",
        kind="cash_voucher",
        face_value_fen=10_000,
        price_fen=8_800,
        list_price_fen=10_000,
    )
    (coupon,) = town.buy()
    open_order = town.order(quantity=2)
    reference = start_payment(order=open_order).payment.reference
    token, _ = give_token(user=town.customer.user, life=CUSTOMER_TOKEN_LIFE)
    page.add_init_script(f"localStorage.setItem('tongdao.token', '{token}')")
    shop = f"/h5/{town.merchant.slug}/"
    for path, ready in (
        (shop, ".shop-deal"),
        (f"{shop}deals/{town.deal.pk}/", "#buy"),
        (f"{shop}orders/", "#rows li"),
        (f"{shop}orders/{open_order.pk}/", "#pay"),
        (f"{shop}coupons/", "#rows li"),
        (f"{shop}coupons/?state=refunded", "#empty"),
        (f"{shop}coupons/{coupon.pk}/", "#qr"),
        (f"/sandbox/sign-in/?return_to={shop}orders/", "#id_phone"),
        (f"/sandbox/pay/{reference}/", "button[value=pay]"),
    ):
        page.goto(path)
        expect(page.locator(ready).first).to_be_visible()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        axe(page)


def test_page_of_somebody_elses_order_says_there_is_none(page: Page, town: Town, watch: Any) -> None:
    order = town.order()
    token, _ = give_token(user=make_customer("小赵").user, life=CUSTOMER_TOKEN_LIFE)
    page.add_init_script(f"localStorage.setItem('tongdao.token', '{token}')")

    page.goto(f"/h5/{town.merchant.slug}/orders/{order.pk}/")

    expect(page.get_by_role("alert")).to_contain_text("There is no such thing here.")
    expect(page.locator("#order")).to_be_hidden()
    assert [error for error in watch.errors if "404" not in error] == []
    watch.errors.clear()


def test_token_that_ended_leads_to_signing_in_again(page: Page, town: Town, watch: Any) -> None:
    page.goto(f"/h5/{town.merchant.slug}/")
    page.evaluate("localStorage.setItem('tongdao.token', '0'.repeat(64))")

    page.goto(f"/h5/{town.merchant.slug}/orders/")
    sign_in_here(page)

    expect(page.get_by_text("You have ordered nothing here yet.")).to_be_visible()
    expect(page.get_by_text("Signed in as Ming.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/h5/laozao/$"))
    assert page.evaluate("localStorage.getItem('tongdao.token')") is None
    assert [error for error in watch.errors if "401" not in error] == []
    watch.errors.clear()


def test_api_docs_show_the_operations_under_the_policy(page: Page, town: Town) -> None:
    page.goto("/api/docs/")

    expect(page.get_by_text("/api/v1/orders/", exact=True).first).to_be_visible()
