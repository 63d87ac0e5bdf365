"""A deal's entrances in Chromium: readable by everyone, a link from making to sharing, pieces by keyboard alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.domain.entrances import add_link, close_link, count_entrances, set_pieces
from coupons.enums import DealState, Entrance
from coupons.models import Placement
from coupons.tests.town import Town, make_town

pytestmark = pytest.mark.django_db(transaction=True)

VIDEO, RANKING, COMMENT = Entrance.SHORT_VIDEO, Entrance.RANKING, Entrance.COMMENT


@pytest.fixture
def town(transactional_db: None, sign_in: Callable[[Any], None]) -> Town:
    cache.clear()
    with scopes_disabled():
        town = make_town()
    sign_in(town.owner)
    return town


@pytest.fixture
def link(town: Town) -> Placement:
    """Some of everything: links, closed ones, sold and unpaid pieces, an entrance sold out, one whose pieces went back."""
    with scopes_disabled():
        deal, by = town.deal, town.owner
        first, _second, last = (
            add_link(deal=deal, entrance=entrance, label=label, by=by)
            for entrance, label in ((VIDEO, "11月探店视频:老板亲自下厨"), (VIDEO, "双人餐开箱"), (RANKING, "火锅热销榜"))
        )  # fmt: skip
        set_pieces(deal=deal, entrance=VIDEO, pieces=20, by=by)
        set_pieces(deal=deal, entrance=RANKING, pieces=2, by=by)
        for placement, quantity in ((first, 3), (last, 2)):
            placement.refresh_from_db()
            town.pay(town.order(placement=placement, quantity=quantity))
        town.order(placement=first)
        old = add_link(deal=deal, entrance=COMMENT, label="置顶评论", by=by)
        close_link(placement=old, by=by)
    return first


def place(town: Town, more: str = "") -> str:
    return f"/m/laozao/deals/{town.deal.pk}/entrances/{more}"


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [("desktop", "light", "zh-hans"), ("desktop", "dark", "en"), ("phone", "light", "en"), ("phone", "dark", "zh-hans")],
)  # fmt: skip
def test_every_page_is_readable_by_everyone(
    page: Page,
    town: Town,
    link: Placement,
    axe: Callable[[Page], None],
    watch: Any,
    screen: str,
    theme: str,
    language: str,
) -> None:
    with scopes_disabled():
        closed = Placement.objects.get(closed_at__isnull=False)
        fresh, ended = town.make_deal(title="新的"), town.make_deal(title="停了", state=DealState.ENDED)
    others = [f"/m/laozao/deals/{deal.pk}/entrances/" for deal in (fresh, ended)]
    for path in [place(town), place(town, f"links/{link.pk}/"), place(town, f"links/{closed.pk}/"), *others]:
        page.goto(path)
        axe(page)
        assert fits(page), path

    page.goto(place(town))
    page.locator("#id_short_video-pieces").fill("1")
    page.locator("#id_short_video-pieces").press("Enter")
    expect(page.locator("#id_short_video-pieces_error")).to_contain_text("4")
    axe(page)
    assert fits(page)
    page.get_by_role("button", name=re.compile("Take the pieces of Short video|收回短视频的")).click()
    expect(page.locator("#back-short_video")).to_be_visible()
    axe(page)
    watch.errors[:] = [error for error in watch.errors if "422" not in error]  # the refusal, on purpose


def test_a_link_is_made_and_shared(page: Page, town: Town) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/m/laozao/deals/{town.deal.pk}/")
    page.get_by_role("link", name="去看投放链接").click()
    expect(page.locator("#links")).to_contain_text("还没有链接")
    page.get_by_label("入口", exact=True).select_option("short_video")
    page.get_by_label("链接名称").fill("探店视频")
    page.get_by_role("button", name="生成链接").click()

    expect(page.locator("h1")).to_have_text("探店视频")
    expect(page.locator(".poster-qr svg")).to_be_visible()
    page.get_by_role("button", name="复制链接").click()
    expect(page.locator("body")).to_contain_text("链接已复制。")
    copied = page.evaluate("navigator.clipboard.readText()")
    with scopes_disabled():
        token = Placement.objects.get().token
    assert copied.endswith(f"/h5/laozao/deals/{town.deal.pk}/?from={token}")

    page.goto(copied)
    expect(page.locator("#buy")).to_be_visible()
    page.goto(place(town))
    page.get_by_role("link", name="探店视频", exact=True).click()
    page.get_by_role("button", name="关闭链接…").click()
    page.locator("#close-dialog").get_by_role("button", name="关闭链接").click()
    expect(page.locator("summary")).to_have_text("1 条已关闭的链接")


def test_pieces_by_keyboard_alone(page: Page, town: Town) -> None:
    page.goto(place(town))
    page.locator("#id_comment-pieces").focus()
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    expect(page.locator("#id_comment-pieces")).to_have_value("30")
    expect(page.locator(".card-footer").first).to_contain_text("剩 70 份")

    page.locator("#id_comment-pieces").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="收回评论区的专属库存")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#back-comment")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#back-comment")).to_be_hidden()
    page.keyboard.press("Enter")
    page.locator("#back-comment").get_by_role("button", name="收回", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card-footer").first).to_contain_text("剩 100 份")
    with scopes_disabled():
        assert [row.pieces for row in count_entrances(deal=town.deal)] == [None] * 4
