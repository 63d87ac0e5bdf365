"""The main job in a browser, from a customer's phone to the owner's statement."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import F
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from core.models import Job
from coupons.models import Coupon, Redemption
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.models import SettlementLine
from coupons.tests.town import make_town

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def screen() -> str:
    return "phone"


@pytest.fixture
def language() -> str:
    return "en"


def let_days_pass(days: int) -> None:
    """Everything that happened moves into the past, as if the shop had gone on for days."""
    step = timedelta(days=days)
    for use in Redemption._base_manager.all():
        Redemption._base_manager.filter(pk=use.pk).update(
            redeemed_at=use.redeemed_at - step,
            due_at=use.due_at - step,
            business_date=use.business_date - step,
            reversed_at=use.reversed_at and use.reversed_at - step,
        )
    Coupon._base_manager.update(valid_from=F("valid_from") - step, valid_until=F("valid_until") - step)
    Job.objects.filter(kind="settle").update(due_at=timezone.now() - timedelta(seconds=1))


def test_buy_redeem_undo_redeem_settle(page: Page, live_server: Any, settings: Any, sign_in: Any) -> None:
    settings.SITE_URL = live_server.url
    cache.clear()
    with scopes_disabled():
        town = make_town()

    # The customer buys one coupon and pays at the other company's cashier, which tells us over HTTP.
    page.goto(f"/h5/{town.merchant.slug}/deals/{town.deal.pk}/")
    page.get_by_role("button", name=re.compile("^Buy")).click()
    page.get_by_label("Phone number").fill("13800002210")
    page.get_by_label("Nickname").fill("Ming")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page).to_have_url(re.compile(r"/orders/\d+/"))
    assert run_due_jobs(kinds=["sandbox_notify"]) == 1
    expect(page.get_by_text("Paid. Show one of these coupons in the store.")).to_be_visible()
    code = Coupon._base_manager.get().code

    # The clerk redeems it, undoes it, and redeems it again.
    sign_in(town.clerk)
    for undo in (True, False):
        page.goto("/clerk/")
        page.locator("input[name=code]").fill(code)
        page.keyboard.press("Enter")
        page.locator("[data-answer=card]").get_by_role("button", name=re.compile("Redeem 1")).click()
        expect(page.locator("[data-answer=done], [data-answer=success]").first).to_be_visible()
        if undo:
            page.get_by_role("button", name=re.compile("^Undo 59")).click()
            page.get_by_role("button", name=re.compile("^(Yes, undo|Undo it|Undo)$")).last.click()
            expect(page.get_by_text(re.compile("Undone", re.IGNORECASE)).first).to_be_visible()
    assert Redemption._base_manager.count() == 2
    assert Redemption._base_manager.filter(reversed_at__isnull=True).count() == 1

    # Two days later the workers have settled it and the owner reads a statement that adds up.
    let_days_pass(2)
    assert run_due_jobs(kinds=["settle"]) >= 1
    with scopes_disabled():
        (statement,) = seal_statements(merchant=town.merchant)
        line = SettlementLine._base_manager.get()
        assert (line.gross_fen, line.platform_fee_fen, line.merchant_fen) == (12_800, 320, 12_480)
        assert check_invariants().broken == {}
    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/statements/")
    page.get_by_role("link", name=re.compile(statement.number)).first.click()
    expect(page.get_by_text("¥128.00").first).to_be_visible()
    expect(page.get_by_text("¥124.80").first).to_be_visible()
