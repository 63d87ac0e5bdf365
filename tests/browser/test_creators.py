"""Creators' pages in Chromium: phone first, and a place taken where the device says he is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.tests.town import Town, make_town
from merchants.enums import Category
from merchants.models import Store
from providers.creators.domain.claims import claim_place
from providers.creators.enums import ClaimState
from providers.creators.models import Creator, TaskClaim
from providers.creators.tests.studio import make_creator, make_task, sell, take_steps

pytestmark = pytest.mark.django_db(transaction=True)

HERE = {"longitude": 106.5700, "latitude": 29.5600}  # of the GPS; on the map 106.574, 29.557


@pytest.fixture
def town(live_server: Any, settings: Any) -> Town:
    settings.SITE_URL = live_server.url
    cache.clear()
    with scopes_disabled():
        town = make_town(category=Category.HOTPOT)
        Store.objects.filter(pk=town.store.pk).update(
            longitude="106.577560", latitude="29.557320", district="渝中区", address="民权路 28 号 4 楼"
        )
    return town


@pytest.fixture
def fei() -> Creator:
    return make_creator("阿飞探店", followers=8_600, district="江北区", longitude=106.4, latitude=29.4)


def keep(page: Page, name: str) -> None:
    """A picture for whoever asks for one: SHOTS=folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def build(town: Town, fei: Creator) -> tuple[TaskClaim, dict[str, str]]:
    """A task with somebody in every state, and the addresses of the pages."""
    brief = "30 秒以上，露出招牌和毛肚下锅。\n口播套餐内容和价格。"
    make_task(town, title="周末专场直播带货", min_followers=5_000, commission_bps=600)
    task = make_task(
        town, title="探店火锅：拍双人鸳鸯锅", brief=brief, quota=9, sample=True, min_followers=1_000
    )
    claim = take_steps(town, claim_place(task=task, creator=fei), ClaimState.RETURNED)
    for state in (ClaimState.CLAIMED, ClaimState.SUBMITTED, ClaimState.APPROVED, ClaimState.DECLINED):
        take_steps(town, claim_place(task=task, creator=make_creator()), state)
    order = sell(town, claim, quantity=3, redeemed=2)
    sell(town, claim)
    closed = make_task(town, title="十万粉丝专场", min_followers=100_000)
    shop = f"/m/{town.merchant.slug}"
    return claim, {
        "board": "/c/", "task": f"/c/tasks/{closed.pk}/", "claims": "/c/claims/", "claim": f"/c/claims/{claim.pk}/",
        "profile": "/c/profile/", "shop-tasks": f"{shop}/tasks/", "shop-task": f"{shop}/tasks/{task.pk}/",
        "shop-new": f"{shop}/tasks/new/", "shop-why": f"{shop}/orders/{order.pk}/attribution/",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [("phone", "light", "zh-hans"), ("phone", "dark", "en"), ("desktop", "dark", "zh-hans")],
)
def test_every_page_can_be_read_by_everyone(
    page: Page,
    town: Town,
    fei: Creator,
    sign_in: Callable[[Any], None],
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    _claim, addresses = build(town, fei)
    with scopes_disabled():
        Creator.objects.filter(pk=fei.pk).update(longitude="106.5740", latitude="29.5590")
    for name, path in addresses.items():
        sign_in(town.owner if name.startswith("shop") else fei.user)
        page.goto(path)
        axe(page)
        keep(page, f"creators-{name}-{screen}-{theme}-{language}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        dialog = page.locator("[data-dialog^=decline], [data-dialog=quit]").first
        if dialog.count():
            dialog.click()
            axe(page)
            keep(page, f"creators-{name}-ask-{screen}-{theme}-{language}")


@pytest.mark.parametrize("screen", ["phone"])
def test_a_place_near_the_device_is_taken_approved_and_handed_in(
    page: Page, town: Town, fei: Creator, sign_in: Callable[[Any], None]
) -> None:
    make_task(town, title="拍双人锅")
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation(HERE)
    sign_in(fei.user)
    page.goto("/c/")
    expect(page.get_by_text("拍双人锅")).to_have_count(0)
    page.locator("[data-locate]").click()
    expect(page.locator(".task-card")).to_contain_text("米")
    page.get_by_role("link", name="拍双人锅").click()
    page.get_by_role("button", name="申请任务").click()
    expect(page.locator(".steps-bar [aria-current=step]")).to_contain_text("待商家通过")

    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/tasks/")
    page.get_by_role("link", name="拍双人锅").click()
    page.get_by_role("button", name="通过", exact=True).click()
    expect(page.locator(".claim-row")).to_contain_text("已通过")

    sign_in(fei.user)
    page.goto("/c/claims/")
    page.get_by_text("拍双人锅").click()
    expect(page.locator(".link-rows li")).to_have_count(3)
    address = page.locator(".link-rows .link-url a").first.get_attribute("href")
    page.get_by_role("button", name="我已到店").click()
    page.get_by_label("作品链接").fill("https://www.douyin.com/video/1")
    page.get_by_role("button", name="提交作品").click()
    expect(page.locator(".steps-bar [aria-current=step]")).to_contain_text("已提交")
    page.goto(str(address))
    expect(page.locator("main")).to_contain_text(town.deal.title)
    with scopes_disabled():
        assert TaskClaim.objects.get().state == ClaimState.SUBMITTED
