"""The waiting room on a phone: a calm page that keeps the place, and goes on to the order by itself."""

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django_scopes import scopes_disabled
from playwright.sync_api import Browser, Page, expect

from coupons.admission.gate import give_up_place
from coupons.admission.room import ROOM, Go
from coupons.admission.tickets import Ticket, read_ticket
from coupons.domain.deals import set_stock
from coupons.models import Order
from coupons.tests.town import Town, make_customer, make_town
from tests.browser.test_shop import sign_in_here

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def screen() -> str:
    return "phone"


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def town(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(
        "coupons.admission.room.LOST_SECONDS", 600
    )  # the orders of the rush stay while a page is slow
    settings.ADMISSION_ABSENT_SECONDS = 60
    settings.SITE_URL = live_server.url
    settings.ADMISSION_IN_FLIGHT = 1
    cache.clear()
    return make_town()


@pytest.fixture
def rush(town: Town) -> list[Go]:
    """Orders that do not end, and one other customer in front."""
    orders = [go for number in range(4) if isinstance(go := ROOM.enter(pool="d0", customer_id=-number), Go)]
    ROOM.enter(pool=f"d{town.deal.pk}", customer_id=-100)
    return orders


def end(rush: list[Go]) -> None:
    for number, go in enumerate(rush):
        ROOM.leave(go, pool="d0", customer_id=-number, outcome="ordered")


def join(page: Page, town: Town) -> None:
    page.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    page.get_by_role("button", name=re.compile("^Buy|^购买|^立即")).click()
    sign_in_here(page)
    expect(page).to_have_url(re.compile("/waiting/"))


def orders_of(town: Town) -> int:
    with scopes_disabled():
        return Order.objects.filter(deal=town.deal).count()


def test_who_waits_sees_his_place_keeps_it_and_orders_when_it_is_his_turn(
    page: Page, town: Town, rush: list[Go], axe: Callable[[Page], None]
) -> None:
    join(page, town)
    expect(page.get_by_role("heading", name="You are in the queue")).to_be_visible()
    expect(page.locator("[data-slot=position]")).to_have_text(re.compile("^[12]$"))
    expect(page.locator("[data-slot=about]")).to_have_text(re.compile(r"^About \d+ (seconds|minutes)$"))
    axe(page)

    page.reload()
    expect(page.locator("[data-slot=position]")).to_have_text(re.compile("^[12]$"))
    assert orders_of(town) == 0

    end(rush)
    expect(page).to_have_url(re.compile(r"/orders/\d+/$"), timeout=30_000)
    assert orders_of(town) == 1


def test_two_tabs_are_one_place_and_one_order(page: Page, town: Town, rush: list[Go]) -> None:
    join(page, town)
    second = page.context.new_page()
    second.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    second.get_by_role("button", name=re.compile("^Buy")).click()
    expect(second.locator("[data-slot=position]")).to_have_text(re.compile("^[12]$"))
    assert second.url == page.url

    end(rush)

    expect(page).to_have_url(re.compile(r"/orders/\d+/$"), timeout=30_000)
    expect(
        second.get_by_role("heading", name=re.compile("^(Order|This place is no longer yours)$"))
    ).to_be_visible(timeout=30_000)
    assert orders_of(town) == 1


def test_sold_out_is_said_at_once_and_the_place_can_be_given_up(
    page: Page, town: Town, rush: list[Go], watch: Any
) -> None:
    join(page, town)
    page.get_by_role("button", name="Give up my place").click()
    expect(page).to_have_url(re.compile(rf"/deals/{town.deal.pk}/$"))
    page.get_by_role("button", name=re.compile("^Buy")).click()
    expect(page.get_by_role("heading", name="You are in the queue")).to_be_visible()

    set_stock(deal=town.deal, total=0, by=town.owner)
    ROOM.leave(rush[0], pool=f"d{town.deal.pk}", customer_id=0, outcome="sold_out")
    expect(page.get_by_role("heading", name="Sold out: 0 left.")).to_be_visible(timeout=30_000)

    assert orders_of(town) == 0
    watch.errors = [error for error in watch.errors if "409" not in error]


def test_without_scripts_the_page_loads_itself_and_says_when_it_is_ones_turn(
    browser: Browser, town: Town, rush: list[Go], live_server: Any
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url, locale="en-US")
    context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page = context.new_page()
    join_by_link(page, town)
    expect(page.get_by_role("heading", name="You are in the queue")).to_be_visible()
    assert re.fullmatch(r"\d+", page.locator("meta[http-equiv=refresh]").get_attribute("content") or "")

    end(rush)

    expect(page.get_by_role("heading", name="It is your turn")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("link", name="Go on to buy")).to_be_visible()
    context.close()


@pytest.mark.parametrize("screen", ["phone", "desktop"])
@pytest.mark.parametrize(("theme", "language"), [("light", "zh-hans"), ("dark", "en")])
def test_every_state_reads_well(
    page: Page,
    town: Town,
    rush: list[Go],
    axe: Callable[[Page], None],
    tmp_path: Any,
    screen: str,
    theme: str,
) -> None:
    ticket = join_by_link(page, town)
    states = {
        "waiting": lambda: None,
        "turn": lambda: end(rush),
        "gone": lambda: give_up_place(read_ticket(ticket)),
        "refused": lambda: (set_stock(deal=town.deal, total=0, by=town.owner), join_again(town, ticket)),
    }
    for state, bring_about in states.items():
        bring_about()
        for _ in range(20):
            page.reload(timeout=30_000)
            if page.locator("#waiting").get_attribute("data-state") == state:
                break
            page.wait_for_timeout(500)
        expect(page.locator("#waiting")).to_have_attribute("data-state", state)
        expect(page.locator("#waiting section:visible")).to_have_count(1)
        axe(page)
        shoot(page, f"{state}-{screen}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def join_again(town: Town, ticket: str) -> None:
    """He queues again, and PostgreSQL has just told somebody that nothing is left."""
    known = read_ticket(ticket)
    for number in range(8):
        ROOM.enter(pool="d0", customer_id=-number)
    ROOM.enter(pool=known.pool, customer_id=known.customer_id, hints=False)
    ROOM.leave(Go("nobody"), pool=known.pool, customer_id=0, outcome="sold_out")


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def join_by_link(page: Page, town: Town) -> str:
    customer = make_customer()
    pool = f"d{town.deal.pk}"
    place = ROOM.enter(pool=pool, customer_id=customer.pk)
    ticket = Ticket(pool, town.deal.pk, customer.pk, place.joined, place.epoch).sign()
    page.goto(f"/h5/{town.merchant.slug}/waiting/{ticket}/")
    return ticket
