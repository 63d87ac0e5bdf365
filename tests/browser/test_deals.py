"""A merchant writes a deal with the customer's view beside it; the operator puts it on sale."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.domain.deal_draft import DealDraft, GroupDraft, ItemDraft
from coupons.domain.deal_states import reject_deal, submit_deal
from coupons.domain.deals import save_deal
from coupons.enums import DealKind, DealState
from coupons.models import Deal, DealStock
from coupons.tests.town import Town, make_town, write_stock
from identity.models import User
from tests.browser.conftest import Watch
from tests.browser.looks import LOOKS

pytestmark = pytest.mark.django_db(transaction=True)

SHOTS = os.environ.get("SHOTS")  # a folder: pictures of every page are left there to look at


@pytest.fixture
def town() -> Town:
    with scopes_disabled():
        town = make_town()
        write_stock(town.deal, total=100, sold=37, held=2)
        save = lambda draft: save_deal(merchant=town.merchant, draft=draft, by=town.owner)  # noqa: E731
        groups = (
            GroupDraft("锅底", 1, (ItemDraft("鸳鸯锅底", 1, 5_800),)),
            GroupDraft(
                "荤菜",
                2,
                (ItemDraft("鲜切吊龙", 1, 6_800), ItemDraft("毛肚", 1, 5_200), ItemDraft("虾滑", 1, 3_600)),
            ),
        )
        save(
            DealDraft(title="四人欢聚套餐", price_fen=26_800, list_price_fen=43_200, stock=200, groups=groups)
        )
        rejected = save(
            DealDraft(
                title="100 元代金券",
                kind=DealKind.CASH_VOUCHER,
                price_fen=8_800,
                list_price_fen=10_000,
                face_value_fen=10_000,
            )
        )
        submit_deal(deal=rejected, by=town.owner)
        reject_deal(deal=rejected, reason="请写明能否与店内其他优惠同用", by=town.owner)
        waiting = save(
            DealDraft(
                title="5 次午市卡",
                kind=DealKind.TIMES_CARD,
                price_fen=29_900,
                list_price_fen=49_500,
                uses_total=5,
                groups=groups[:1],
            )
        )
        submit_deal(deal=waiting, by=town.owner)
    return town


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser(name="平台小陈", phone="+8613900000001")


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def ids() -> dict[str, int]:
    with scopes_disabled():
        return {deal.state: deal.pk for deal in Deal.objects.all()}


@pytest.mark.parametrize(("screen", "theme", "language"), LOOKS)
def test_merchants_pages_are_readable_by_everyone(
    page: Page, axe: Callable, sign_in: Callable, town: Town, screen: str, theme: str, language: str
) -> None:
    sign_in(town.owner)
    deals = ids()
    for name, path in {
        "list": "",
        "rejected-only": "?state=rejected",
        "none-found": "?q=nothing",
        "new": "new/?template=meal_for_two",
        "new-empty": "new/",
        "draft": f"{deals['draft']}/",
        "online": f"{deals['online']}/",
        "rejected": f"{deals['rejected']}/",
        "in-review": f"{deals['in_review']}/",
    }.items():
        page.goto(f"/m/laozao/deals/{path}")
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"
        shoot(page, f"{name}-{screen}-{theme}-{language}")


def test_one_click_adds_one_group_though_the_preview_follows_it(
    page: Page, sign_in: Callable, town: Town
) -> None:
    sign_in(town.owner)
    page.goto("/m/laozao/deals/new/")
    page.get_by_label("套餐名称").press_sequentially("午市")
    page.get_by_role("button", name="加一组").click()
    # Leaving the field asks for a preview 300 ms later, when the button has the focus again.
    with page.expect_response("**/deals/preview/"):
        expect(page.locator("#id_g0-i0-name")).to_be_visible()
    page.wait_for_timeout(700)
    expect(page.locator("[id^=add-item-]")).to_have_count(1)


def test_a_deal_is_written_seen_and_put_on_sale(
    page: Page, sign_in: Callable, town: Town, operator: User
) -> None:
    sign_in(town.owner)
    page.goto("/m/laozao/deals/new/")
    preview = page.locator("#preview")
    expect(page.locator("#problems")).to_contain_text("4 处")

    page.get_by_label("套餐名称").fill("单人午市套餐")
    expect(preview).to_contain_text("单人午市套餐")
    page.get_by_label("售价").fill("39.9")
    page.get_by_label("原价").fill("58")
    expect(preview).to_contain_text("¥39.90")
    expect(preview).to_contain_text("省 ¥18.10")

    page.get_by_role("button", name="加一组").click()
    page.locator("#id_g0-i0-name").fill("番茄锅底")
    page.locator("#id_g0-i0-unit_price_fen").fill("28")
    page.get_by_role("button", name="加一项").click()
    page.locator("#id_g0-i1-name").fill("时蔬拼盘")
    page.locator("#id_g0-i1-unit_price_fen").fill("30.00")
    expect(page.locator("#worth")).to_contain_text("¥58.00")
    page.get_by_role("button", name="第 2 项上移").press("Enter")
    expect(page.locator("#id_g0-i0-name")).to_have_value("时蔬拼盘")
    expect(preview.locator(".deal-items li").first).to_contain_text("时蔬拼盘")
    expect(page.locator("#problems")).to_contain_text("内容完整")
    page.keyboard.press("Control+s")

    expect(page).to_have_url("/m/laozao/deals/")
    expect(page.get_by_role("row").filter(has_text="单人午市套餐")).to_contain_text("审核中")

    with scopes_disabled():
        deal = Deal.objects.get(title="单人午市套餐")
        assert (deal.price_fen, deal.list_price_fen, deal.state) == (3_990, 5_800, DealState.IN_REVIEW)
        assert [item.name for item in deal.groups.get().items.all()] == ["时蔬拼盘", "番茄锅底"]

    sign_in(operator)
    page.goto(f"/ops/coupons/deal/{deal.pk}/change/")
    page.get_by_role("button", name="通过并上架").click()
    expect(page.get_by_text("已上架：单人午市套餐。")).to_be_visible()
    with scopes_disabled():
        assert Deal.objects.get(pk=deal.pk).state == DealState.ONLINE


def test_stock_is_changed_in_its_row(page: Page, watch: Watch, sign_in: Callable, town: Town) -> None:
    sign_in(town.owner)
    page.goto("/m/laozao/deals/?state=online")
    field = page.get_by_label("的库存").first
    button = page.get_by_role("button", name="保存 双人鸳鸯锅套餐 的库存")

    field.fill("38")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("39")
    watch.errors = [error for error in watch.errors if "422" not in error]  # the refusal, on purpose
    with scopes_disabled():
        assert DealStock.objects.get(deal=town.deal).total == 100

    page.get_by_label("的库存").first.fill("39")
    button.click()
    expect(page.get_by_text("库存已保存。")).to_be_visible()
    with scopes_disabled():
        assert DealStock.objects.get(deal=town.deal).total == 39


@pytest.mark.parametrize("screen", ["phone", "desktop"])
@pytest.mark.parametrize(("theme", "language"), [("light", "zh-hans"), ("dark", "en")])
def test_operators_pages_keep_to_their_policy(
    page: Page, sign_in: Callable, town: Town, operator: User, screen: str, theme: str, language: str
) -> None:
    sign_in(operator)
    if theme == "dark":
        page.add_init_script("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    for name, path in {
        "home": "",
        "queue": "coupons/deal/?state__exact=in_review",
        "review": f"coupons/deal/{ids()['in_review']}/change/",
        "orders": "coupons/order/",
        "jobs": "core/job/",
        "merchant": f"merchants/merchant/{town.merchant.pk}/change/",
        "merchant-new": "merchants/merchant/add/",
        "user-new": "identity/user/add/",
    }.items():
        page.goto(f"/ops/{path}")
        shoot(page, f"ops-{name}-{screen}-{theme}-{language}")


@pytest.mark.parametrize("screen", ["phone", "desktop"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_refused_deal_leads_to_each_field(
    page: Page, watch: Watch, axe: Callable, sign_in: Callable, town: Town, screen: str, theme: str
) -> None:
    sign_in(town.owner)
    page.goto("/m/laozao/deals/new/?template=meal_for_two")
    page.get_by_label("售价").fill("300")
    page.locator("#id_g0-i0-unit_price_fen").fill("5.888")
    page.get_by_role("button", name="提交审核").click()

    problems = page.locator("#problem-list a")
    expect(problems).to_have_count(2)
    expect(page.get_by_text("原价不能低于售价 ¥300.00。").first).to_be_visible()
    axe(page)
    shoot(page, f"refused-{screen}-{theme}")
    watch.errors = [error for error in watch.errors if "422" not in error]  # the refusal, on purpose
    problems.last.click()
    page.locator("#id_g0-i0-unit_price_fen").fill("58")
    expect(problems).to_have_count(1)  # the list stays open while it grows shorter
    expect(problems.first).to_be_visible()
