"""Reconciliation in Chromium: readable by everyone, in both languages and themes, on phone and desktop; by keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.settlement.domain.uploads import start_upload
from coupons.settlement.models import Break, ProviderBill
from coupons.settlement.tests.billing import pay_and_bill
from coupons.tests.town import Town, make_town
from tests.browser.looks import LOOKS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(transactional_db: None, sign_in: Callable[[Any], None]) -> Town:
    """Three payments two days ago of which the bill knows two; the owner is signed in."""
    with scopes_disabled():
        town = make_town()
        pay_and_bill(town, missing=1)
    sign_in(town.owner)
    return town


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("screen", "theme", "language"), LOOKS)
def test_every_page_is_readable_by_everyone(
    page: Page, town: Town, axe: Callable[[Page], None], screen: str, theme: str, language: str
) -> None:
    with scopes_disabled():
        found, bill = Break.objects.get(), ProviderBill.objects.get()
        good, bad = (
            start_upload(
                merchant=town.merchant,
                file_name="账单.csv",
                content=f"reference,kind,amount,time\nP1,payment,{amount},{found.day} 10:00\n".encode(),
                by=town.owner,
            )
            for amount in ("12.50", "?")
        )
    for path in (
        "",
        f"days/{found.run_id}/",
        f"differences/{found.pk}/",
        "upload/",
        f"upload/{good.pk}/",
        f"upload/{bad.pk}/",
        f"bills/{bill.pk}/",
    ):
        page.goto(f"/m/{town.merchant.slug}/reconciliation/{path}")
        axe(page)
        assert fits(page), path


def test_a_difference_is_found_from_the_menu_and_adjusted_by_keyboard(page: Page, town: Town) -> None:
    page.goto(f"/m/{town.merchant.slug}/")
    page.get_by_role("link", name="对账", exact=True).first.click()
    page.locator("#list tbody a").first.click()
    page.locator("#breaks tbody a").first.click()

    page.locator("#id_adjust-explanation").focus()
    page.keyboard.type("渠道确认没有这笔收款")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="已用一笔新分录调账")).to_be_visible()
    with scopes_disabled():
        assert Break.objects.get().state == "adjusted"


def test_a_bill_is_uploaded_looked_at_and_imported(page: Page, town: Town, tmp_path: Path) -> None:
    file = tmp_path / "bill.csv"
    file.write_text("reference,kind,amount,time\nP1,payment,12.50,2026-11-01 10:00\n", encoding="utf-8")
    page.goto(f"/m/{town.merchant.slug}/reconciliation/")
    page.get_by_role("link", name="上传账单").click()
    page.get_by_label("支付渠道账单").set_input_files(file)
    page.get_by_role("button", name="上传并查看").click()
    expect(page.locator(".kpi-grid")).to_contain_text("12.50")

    page.get_by_role("button", name="导入并核对").click()

    expect(page.locator("#progress")).to_contain_text("已核对 0 / 1 天")
    with scopes_disabled():
        assert ProviderBill.objects.count() == 2
