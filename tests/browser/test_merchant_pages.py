"""Stores, staff, invitations and settings in Chromium: nothing axe or the security policy objects to, and an import by hand."""

import pytest
from django.conf import settings
from django_scopes import scope
from playwright.sync_api import Page, expect

from identity.enums import Role
from merchants.domain.import_drafts import start_draft
from merchants.domain.invitations import invite_staff
from merchants.models import Membership, Store
from merchants.tests.conftest import make_shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SAMPLE = settings.ROOT / "samples/stores/stores.csv"


@pytest.fixture
def shop(transactional_db):
    return make_shop("hotpot", "10")


@pytest.mark.parametrize(
    ("screen", "theme", "language"), [("phone", "light", "zh-hans"), ("desktop", "dark", "en")]
)
def test_pages_are_accessible(page: Page, sign_in, axe, shop, screen, theme, language):
    store = shop.stores[0]
    _invitation, secret = invite_staff(
        merchant=shop.merchant,
        name="小周",
        phone="+8613700000001",
        role=Role.CLERK,
        stores=[store],
        by=shop.owner,
    )
    with scope(merchant=shop.merchant.pk):
        Store.objects.filter(pk=store.pk).update(import_warnings=["city_renamed"])
        member = Membership.objects.get(user=shop.clerk)
        draft = start_draft(
            merchant=shop.merchant, filename="stores.csv", content=SAMPLE.read_bytes(), by=shop.owner
        )
    sign_in(shop.owner)

    for path in (
        "stores/",
        "stores/?q=nothing",
        "stores/new/",
        f"stores/{store.pk}/",
        f"stores/{store.pk}/close/",
        f"stores/{store.pk}/poster/",
        "stores/import/",
        f"stores/import/{draft.pk}/",
        "staff/",
        "staff/invite/",
        f"staff/{member.pk}/",
        "settings/",
    ):
        page.goto(f"/m/hotpot/{path}")
        expect(page.locator("h1")).to_have_count(1)
        axe(page)
    page.context.clear_cookies(name="sessionid")
    page.goto(f"/invitation/{secret}/")
    axe(page)


def test_stores_are_imported_by_hand(page: Page, sign_in, shop):
    sign_in(shop.owner)
    page.goto("/m/hotpot/stores/import/")
    page.set_input_files("input[type=file]", files=[str(SAMPLE)])
    page.get_by_role("button", name="上传并查看").click()
    expect(page.get_by_text("没有名称").first).to_be_visible()
    page.select_option("#column_phone", "")
    page.get_by_role("button", name="按这些列重新预览").click()
    expect(page.get_by_text("没有电话")).to_have_count(0)

    page.get_by_role("button", name="导入 9 家门店").click()

    expect(page.get_by_role("link", name="查看门店")).to_be_visible()
    page.get_by_role("link", name="查看门店").click()
    expect(page.get_by_role("link", name="人民广场店")).to_be_visible()
    page.get_by_role("searchbox").fill("乌节")
    page.keyboard.press("Enter")
    expect(page.locator("#stores tbody tr")).to_have_count(1)
    with scope(merchant=shop.merchant.pk):
        assert Store.objects.count() == 11
        assert not Store.objects.exclude(phone="").exists()


def test_store_is_closed_after_saying_what_becomes_of_coupons(page: Page, sign_in, shop):
    store = shop.stores[0]
    sign_in(shop.owner)
    page.goto(f"/m/hotpot/stores/{store.pk}/")
    page.get_by_role("link", name="关店").click()
    expect(page.get_by_text("没有待使用的券与这家门店有关。")).to_be_visible()

    page.get_by_role("button", name="确认关店").click()

    expect(page.get_by_text("已关店").first).to_be_visible()
    page.get_by_role("button", name="恢复营业").click()
    expect(page.get_by_text("营业中")).to_be_visible()
