"""Live sessions in Chromium: every page readable by everyone, a session from plan to review, the wall that says when it is stale."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Page, Route, expect

from coupons.domain.orders import place_order
from coupons.live.domain.notes import add_note
from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment
from coupons.live.domain.session_states import end_session, go_live
from coupons.live.models import LiveOpening, LiveSession
from coupons.models import Order
from coupons.tests.town import Town, make_town

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "/m/laozao/live/"


def plan(town: Town, *, begin: timedelta, title: str = "周末火锅节", pieces: int = 20) -> LiveSession:
    now = timezone.now()
    return plan_session(
        merchant=town.merchant,
        plan=SessionPlan(
            title=title,
            host_name="小唐",
            place="抖音官方号",
            planned_from=now + begin,
            planned_until=now + begin + timedelta(hours=3),
            goal_fen=100_000,
            deals=(Allotment(town.deal.pk, pieces),),
        ),
        by=town.owner,
    )


def sell(town: Town, session: LiveSession, *, quantity: int = 1, minutes_ago: int = 1) -> Order:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    with scopes_disabled():
        row = session.deals.select_related("placement").get()
        order = place_order(
            customer=town.customer, merchant=town.merchant, deal_id=row.deal_id, quantity=quantity,
            placement=row.placement, at=at,
        )  # fmt: skip
        town.pay(order, at=at)
    cache.clear()
    return order


@pytest.fixture
def town(transactional_db: None, sign_in: Callable[[Any], None]) -> Town:
    cache.clear()
    with scopes_disabled():
        town = make_town()
    sign_in(town.owner)
    return town


@pytest.fixture
def live(town: Town) -> LiveSession:
    """Live for forty minutes, with something sold and opened."""
    with scopes_disabled():
        session = plan(town, begin=-timedelta(hours=1))
        go_live(session=session, by=town.owner, at=timezone.now() - timedelta(minutes=40))
        LiveOpening.objects.create(
            merchant=town.merchant, session=session, live_deal=session.deals.get(), minute=timezone.now(), count=10
        )  # fmt: skip
    for minutes in (30, 12, 3):
        sell(town, session, quantity=2, minutes_ago=minutes)
    return session


@pytest.fixture
def sessions(town: Town, live: LiveSession) -> dict[str, LiveSession]:
    """One in each state that has a page of its own."""
    with scopes_disabled():
        end_session(session=live, by=town.owner)
        add_note(session=live, text="多备 20 份毛肚", is_todo=True, by=town.owner)
        running = plan(town, begin=-timedelta(minutes=30), title="午间快闪", pieces=3)
        go_live(session=running, by=town.owner, at=timezone.now() - timedelta(minutes=20))
        planned = plan(town, begin=timedelta(hours=5), title="冬至暖锅直播")
    sell(town, running)
    return {"ended": live, "live": running, "planned": planned}


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [("desktop", "light", "zh-hans"), ("desktop", "dark", "en"), ("phone", "light", "zh-hans"), ("phone", "dark", "en")],
)  # fmt: skip
def test_every_page_is_readable_by_everyone(
    page: Page,
    sessions: dict[str, LiveSession],
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    public = [f"/h5/laozao/live/{session.token}/" for session in sessions.values()]
    own = [f"{HERE}{session.pk}/" for session in sessions.values()]
    running, planned = sessions["live"], sessions["planned"]
    with scopes_disabled():
        row = running.deals.get()
    more = ["", "new/", f"{planned.pk}/edit/", f"{running.pk}/card/", f"{running.pk}/deals/{row.pk}/card/"]
    walls = [f"{HERE}{session.pk}/wall/" for session in sessions.values()]
    for path in [*public, *own, *walls, *(HERE + place for place in more)]:
        page.goto(path)
        axe(page)
        assert fits(page), path
        if path in walls and screen == "desktop":
            height = page.evaluate("[document.documentElement.scrollHeight, window.innerHeight]")
            assert height[0] <= height[1], "the wall does not scroll"


def test_from_the_plan_to_the_review(page: Page, town: Town) -> None:
    page.goto(HERE)
    page.get_by_role("link", name="安排直播").first.click()
    page.get_by_label("场次名称").fill("周末火锅节")
    page.get_by_label("主播", exact=True).fill("小唐")
    page.get_by_label("双人鸳鸯锅套餐 的份数").fill("30")
    page.get_by_role("button", name="安排", exact=True).click()
    expect(page.locator(".steps-bar [aria-current]")).to_contain_text("待开播")
    expect(page.locator("#deals input[name=pieces]")).to_have_value("30")

    page.get_by_role("button", name="开播", exact=True).click()
    page.locator("#start-dialog").get_by_role("button", name="开播").click()
    expect(page.locator(".steps-bar [aria-current]")).to_contain_text("直播中")
    with scopes_disabled():
        session = LiveSession.objects.get()
    sell(town, session, quantity=2, minutes_ago=0)

    card = page.locator(".live-url a").get_attribute("href") or ""
    page.goto(card)
    expect(page.locator(".shop-deals")).to_contain_text("剩 28 份")
    page.locator(".shop-deal").click()
    expect(page).to_have_url(re.compile(r"/deals/\d+/\?from=[\w-]{16}$"))

    page.goto(f"{HERE}{session.pk}/")
    page.get_by_role("button", name="结束直播…").click()
    page.locator("#end-dialog").get_by_role("button", name="结束直播").click()
    expect(page.locator(".steps-bar [aria-current]")).to_contain_text("已结束")
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    expect(page.locator(".kpi-grid")).to_contain_text("¥256")
    page.locator("#id_text").fill("多备毛肚")
    page.get_by_label("下一场前要做的事").check()
    page.get_by_role("button", name="记下来").click()
    page.locator("#notes").get_by_role("button", name="已完成").click()
    expect(page.locator("#notes .st-ok")).to_be_visible()


def test_the_wall_follows_the_sales(page: Page, town: Town, live: LiveSession) -> None:
    page.clock.install()
    page.goto(f"{HERE}{live.pk}/wall/")
    expect(page.locator(".wall-amount")).to_have_text("¥768")
    expect(page.locator("#wall-canvas canvas")).to_be_visible()

    sell(town, live, quantity=2, minutes_ago=0)
    with page.expect_response(lambda answer: "/figures/" in answer.url):
        page.clock.run_for(5_000)
    expect(page.locator(".wall-amount")).to_have_text("¥1,024")
    cache.clear()
    with page.expect_response(lambda answer: "/figures/" in answer.url) as again:
        page.clock.run_for(5_000)
    assert again.value.status == 304


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_wall_dims_and_says_so_when_no_figures_come(
    page: Page, live: LiveSession, watch: Any, language: str
) -> None:
    def cut(route: Route) -> None:
        route.abort()

    page.clock.install()
    page.goto(f"{HERE}{live.pk}/wall/")
    page.route("**/wall/figures/", cut)
    page.clock.run_for(29_000)
    expect(page.locator("#wall-stale")).to_be_hidden()
    page.clock.run_for(6_000)
    expect(page.locator("#wall-stale")).to_be_visible()
    expect(page.locator("#wall-stale")).to_contain_text(
        {"zh-hans": "数据已停止更新", "en": "No new figures for"}[language]
    )
    expect(page.locator("main.is-stale")).to_be_visible()
    expect(page.locator(".wall-amount")).to_have_text("¥768")

    page.unroute("**/wall/figures/")
    with page.expect_response(lambda answer: "/figures/" in answer.url):
        page.clock.run_for(5_000)
    expect(page.locator("#wall-stale")).to_be_hidden()
    expect(page.locator("main.is-stale")).to_have_count(0)
    watch.errors[:] = [error for error in watch.errors if "ERR_FAILED" not in error]


def test_a_wall_whose_session_ended_is_stale_and_does_not_show_the_sign_in_page(
    page: Page, live: LiveSession, watch: Any
) -> None:
    page.clock.install()
    page.goto(f"{HERE}{live.pk}/wall/")
    page.context.clear_cookies(name="sessionid")
    page.clock.run_for(36_000)
    expect(page.locator("#wall-stale")).to_be_visible()
    expect(page.locator(".wall-amount")).to_have_text("¥768")
    watch.errors.clear()


def test_f_fills_the_screen(page: Page, live: LiveSession) -> None:
    page.goto(f"{HERE}{live.pk}/wall/")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")
