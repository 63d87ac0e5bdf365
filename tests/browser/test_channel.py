"""The whole channel in a browser: a shop engages a provider, who publishes a deal and a task; a creator near by takes it; a
customer buys by his link and uses the coupon; everybody reads his part of it."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain.deal_states import approve_deal
from coupons.enums import DealState
from coupons.models import Coupon, OrderShare
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.models import SettlementLine
from coupons.tests.town import Town, make_town, make_user
from providers.creators.models import CreatorTask, TaskClaim
from providers.creators.tests.studio import make_creator
from providers.tests.firms import Firm, make_firm
from providers.tests.stations import make_house, trade_in
from tests.browser.test_main_job import let_days_pass

pytestmark = pytest.mark.django_db(transaction=True)
NEAR = {"longitude": "106.577", "latitude": "29.557"}


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def town(transactional_db: None) -> Town:
    cache.clear()
    with scopes_disabled():
        town = make_town()
        type(town.store).objects.filter(pk=town.store.pk).update(
            city="重庆市", district="渝中区", **NEAR, coordinate_system="gcj02"
        )
        return town


def press(page: Page, opener: str, button: str) -> None:
    """Behind a question: the button that asks, then the one that does it."""
    page.get_by_role("button", name=opener).click()
    page.locator("dialog[open], .modal.show").get_by_role("button", name=button, exact=True).click()


def engage(page: Page, town: Town, firm: Firm, sign_in: Any) -> None:
    """The provider's owner offers, the shop's agrees."""
    sign_in(firm.owner)
    page.goto(f"/p/{firm.provider.pk}/engagements/new/")
    page.get_by_label("Short name of the shop").fill(town.merchant.slug)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Make the offer").click()
    expect(page.get_by_text("Offered. Nothing is granted before")).to_be_visible()
    sign_in(town.owner)
    page.goto(f"/m/{town.merchant.slug}/partners/")
    page.get_by_role("link", name=firm.provider.name).first.click()
    press(page, "Agree", "Agree")
    expect(page.get_by_text("What they may do here now")).to_be_visible()


def test_from_the_agreement_to_everybodys_part(
    page: Page, live_server: Any, settings: Any, sign_in: Any, town: Town
) -> None:
    settings.SITE_URL = live_server.url
    slug = town.merchant.slug
    with scopes_disabled():
        firm = make_firm()
        draft = town.make_deal(title="双人鸳鸯锅", state=DealState.DRAFT)
        house = make_house(firm)
        house.bring_in(trade_in(town), bps=100)
        creator = make_creator("阿飞探店", **NEAR)
        stranger = make_creator("远方来客", longitude="116.40", latitude="39.90", city="北京市")

    engage(page, town, firm, sign_in)

    # In the client's shop, with a bar that says so, the provider hands a deal in; the operator lets it on sale.
    sign_in(firm.manager)
    page.goto(f"/m/{slug}/deals/{draft.pk}/")
    expect(page.get_by_text(town.merchant.name).first).to_be_visible()
    page.get_by_role("button", name="Submit for review").first.click()
    with scopes_disabled():
        draft.refresh_from_db()
        assert draft.state == DealState.IN_REVIEW
        approve_deal(deal=draft, by=make_user("运营"))

    # It publishes a task for creators.
    page.goto(f"/m/{slug}/tasks/new/")
    page.get_by_label("Deal", exact=True).select_option(str(draft.pk))
    page.get_by_label("Store to visit").select_option(str(town.store.pk))
    page.get_by_label("What to do").first.fill("Film the split pot")
    page.get_by_label("Commission (%)").fill("8")
    page.get_by_role("button", name="Save").click()
    task = CreatorTask._base_manager.get()
    assert task.provider == firm.provider
    page.goto(f"/m/{slug}/tasks/{task.pk}/")
    press(page, "Open it to creators", "Open it")

    # A creator near by finds it and asks for a place; one far away does not see it near.
    sign_in(stranger.user)
    page.goto("/c/")
    expect(page.get_by_text("Film the split pot")).to_have_count(0)
    sign_in(creator.user)
    page.goto("/c/")
    page.get_by_role("link", name=re.compile("Film the split pot")).first.click()
    page.get_by_role("button", name="Ask for a place").click()
    claim = TaskClaim._base_manager.get()
    sign_in(firm.manager)
    page.goto(f"/m/{slug}/tasks/{task.pk}/")
    page.get_by_role("button", name="Approve").first.click()
    sign_in(creator.user)
    page.goto(f"/c/claims/{claim.pk}/")
    link = page.locator(".link-url a").first.get_attribute("href")
    assert link

    # A customer comes by the link, pays, and a clerk redeems.
    page.context.clear_cookies(name="sessionid")
    page.goto(link)
    page.get_by_role("button", name=re.compile("^Buy")).click()
    page.get_by_label("Phone number").fill("13800002210")
    page.get_by_label("Nickname").fill("Ming")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page).to_have_url(re.compile(r"/orders/\d+/"))
    assert run_due_jobs(kinds=["sandbox_notify"]) == 1
    expect(page.get_by_text("Paid. Show one of these coupons in the store.")).to_be_visible()
    with scopes_disabled():
        coupon = Coupon.objects.get(deal=draft)
        assert dict(OrderShare.objects.filter(order=coupon.order_id).values_list("kind", "bps")) == {
            "platform_fee": 250, "service_fee": 500, "station_share": 100, "commission": 800,
        }  # fmt: skip
        town.redeem(coupon.code)

    # Nine days later everything is settled and stated, a creator's commission after its week too.
    let_days_pass(9)
    assert run_due_jobs(kinds=["settle"]) >= 1
    with scopes_disabled():
        assert len(seal_statements(merchant=town.merchant)) == 4
        line = SettlementLine.objects.get()
        parts = (line.platform_fee_fen, line.service_fee_fen, line.station_share_fen, line.commission_fen)
        assert (*parts, line.merchant_fen) == (320, 640, 128, 1_024, 10_688)
        assert sum(parts) + line.merchant_fen == line.gross_fen == 12_800
        assert check_invariants().broken == {}

    # Everybody reads his part, down to the reason of the line.
    parties = (
        (firm.owner, firm.provider.pk, "¥6.40"),
        (house.owner, house.station.pk, "¥1.28"),
        (creator.user, creator.pk, "¥10.24"),
    )
    for user, party, amount in parties:
        sign_in(user)
        page.goto(f"/payees/{party}/statements/")
        page.locator("#list a, main table a").first.click()
        expect(page.locator("[data-row=amount]")).to_contain_text(amount)
    sign_in(creator.user)
    page.goto(f"/c/claims/{claim.pk}/")
    expect(page.get_by_text("¥10.24").first).to_be_visible()
    sign_in(town.owner)
    page.goto(f"/m/{slug}/settlement-lines/{line.pk}/")
    for amount in ("¥3.20", "¥6.40", "¥1.28", "¥10.24", "¥106.88"):
        expect(page.get_by_text(amount).first).to_be_visible()
