"""The third story in a browser: a shop is served by a provider, a station and a creator, and each fen finds its owner.

What an operator and the weather of days do is done beside the browser; everything else by the people's own pages.
"""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django_scopes import scopes_disabled
from playwright.sync_api import BrowserContext, Page, expect

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.deal_draft import DealDraft, GroupDraft, ItemDraft
from coupons.domain.deal_states import approve_deal
from coupons.domain.deals import save_deal
from coupons.models import Coupon, Deal
from coupons.settlement.domain.sealing import seal_statements
from coupons.settlement.models import SettlementLine, Statement
from coupons.tests.town import Town, make_town
from identity.enums import Scope
from identity.models import AuditEvent, User
from merchants.enums import Category
from merchants.models import Store
from providers.creators.models import CreatorTask, TaskClaim
from providers.creators.tests.studio import make_creator
from providers.domain.engagements import propose_engagement
from providers.tests.firms import Firm, make_firm
from providers.tests.stations import make_house
from tests.browser.test_main_job import let_days_pass

pytestmark = pytest.mark.django_db(transaction=True)

WEEK_AND_MORE = 12  # what creators earn is stated a week after the use
SCOPES = [Scope.DEALS, Scope.REDEMPTIONS]


@pytest.fixture
def screen() -> str:
    return "phone"


@pytest.fixture
def language() -> str:
    return "en"


def make_cast() -> tuple[Town, Deal, Firm]:
    """A shop with a deal nobody sees yet, and a firm whose offer waits for the shop's owner."""
    town = make_town(category=Category.HOTPOT)
    Store.objects.filter(pk=town.store.pk).update(
        longitude="106.577560", latitude="29.557320", district="渝中区"
    )
    deal = save_deal(
        merchant=town.merchant,
        draft=DealDraft(
            title="Hot pot for two",
            price_fen=12_800,
            list_price_fen=21_600,
            stock=50,
            groups=(GroupDraft("", 1, (ItemDraft("Broth", 1, 21_600),)),),
        ),
        by=town.owner,
    )
    firm = make_firm("Yuwei Services")
    propose_engagement(
        provider=firm.provider, merchant=town.merchant, scopes=SCOPES, service_fee_bps=500,
        for_party_id=firm.provider.pk, by=firm.owner,
    )  # fmt: skip
    return town, deal, firm


def test_served_sold_redeemed_and_shared_out(
    page: Page, context: BrowserContext, live_server: Any, settings: Any, sign_in: Any
) -> None:
    settings.SITE_URL = live_server.url
    cache.clear()
    with scopes_disabled():
        town, deal, firm = make_cast()
        house = make_house(firm, "Chongqing station")
        house.offer(town, bps=200)
        creator = make_creator("Fei eats out", longitude=Decimal("106.574"), latitude=Decimal("29.559"))
    shop = f"/m/{town.merchant.slug}"

    # The owner agrees to the provider's offer, and to the station's.
    sign_in(town.owner)
    page.goto(f"{shop}/partners/")
    page.get_by_role("link", name="Yuwei Services").first.click()
    page.locator("[data-dialog=agree]").click()
    page.locator("dialog[open]").get_by_role("button", name="Agree").click()
    expect(page.get_by_role("heading", name="What they may do here now")).to_be_visible()
    page.goto(f"{shop}/stations/")
    page.get_by_role("button", name="Agree to 2%").click()
    expect(page.get_by_role("button", name="Agree to 2%")).to_have_count(0)

    # The provider enters the shop in its own name, brings the deal on its way and publishes a task for it.
    sign_in(firm.manager)
    page.goto("/p/")
    page.get_by_role("link", name="Enter the shop").click()
    expect(page.get_by_text(town.merchant.name).first).to_be_visible()
    submit(page, shop, deal)
    with scopes_disabled():
        operator = User.objects.create_superuser(name="Operator", phone="+8613700000009")
        approve_deal(deal=deal, by=operator)
    publish_task(page, shop, "Film the hot pot")
    with scopes_disabled():
        task = CreatorTask.objects.get()
        assert (task.provider_id, task.state) == (firm.provider.pk, "open")
        assert AuditEvent.objects.get(verb="task.open").for_party_id == firm.provider.pk

    # The creator finds it near him and asks for a place; the provider approves; he has his link.
    sign_in(creator.user)
    page.goto("/c/")
    expect(page.locator(".task-card")).to_contain_text("8%")
    page.locator(".task-card").get_by_role("link", name="Film the hot pot").click()
    page.get_by_role("button", name="Ask for a place").click()
    sign_in(firm.manager)
    page.goto(f"{shop}/tasks/{task.pk}/")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".claim-row")).to_contain_text("Approved")
    sign_in(creator.user)
    page.goto("/c/claims/")
    page.get_by_text("Film the hot pot").click()
    link = str(page.locator(".link-url a").first.get_attribute("href"))

    # A customer comes by it, buys and pays; the clerk redeems.
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    code = buy(page, link)
    sign_in(town.clerk)
    redeem(page, code)

    # Days later the money is shared out by the terms each agreed to, and everybody reads his own part.
    let_days_pass(WEEK_AND_MORE)
    Job.objects.filter(kind="settle").update(state="ready", done_at=None)
    assert run_due_jobs(kinds=["settle"]) >= 1
    with scopes_disabled():
        seal_statements(merchant=town.merchant)
        line = SettlementLine._base_manager.get()
        assert parts(line) == {
            "platform": 320,
            "provider": 640,
            "station": 256,
            "creator": 1_024,
            "merchant": 10_560,
        }
        assert sum(parts(line).values()) == line.gross_fen == 12_800
        assert check_invariants().broken == {}
        stated = {statement.kind: statement for statement in Statement.objects.select_related("payee")}
        claim = TaskClaim.objects.get()
    assert set(stated) == {"merchant", "provider", "station", "creator"}
    sign_in(town.owner)
    page.goto(f"{shop}/statements/{stated['merchant'].pk}/")
    expect(page.locator("main")).to_contain_text("¥105.60")
    expect(page.locator("main")).to_contain_text("¥3.20")  # the platform's
    for kind, user, amount in (
        ("provider", firm.finance, "¥6.40"),
        ("station", house.owner, "¥2.56"),
        ("creator", creator.user, "¥10.24"),
    ):
        sign_in(user)
        page.goto(f"/payees/{stated[kind].payee_id}/statements/{stated[kind].pk}/")
        expect(page.locator("main")).to_contain_text(amount)
    page.goto(f"/c/claims/{claim.pk}/")
    expect(page.locator("main")).to_contain_text("¥10.24")
    sign_in(operator)
    page.goto("/ops/settlement/settlementline/")
    expect(page.locator("#result_list")).to_contain_text("¥3.20")


def submit(page: Page, shop: str, deal: Deal) -> None:
    page.goto(f"{shop}/deals/")
    page.get_by_role("link", name=deal.title).first.click()
    page.get_by_role("button", name="Submit for review").first.click()
    expect(page.get_by_text("In review").first).to_be_visible()


def publish_task(page: Page, shop: str, title: str) -> None:
    page.goto(f"{shop}/tasks/new/")
    page.get_by_label("Deal").select_option(label="Hot pot for two")
    page.get_by_label("Store to visit").select_option(index=1)
    page.get_by_label("What to do").fill(title)
    page.get_by_role("button", name="Save").click()
    page.locator("[data-dialog=open-task]").click()
    page.locator("dialog[open]").get_by_role("button", name="Open it").click()
    expect(page.get_by_text("It is open: creators near the store see it now.")).to_be_visible()


def buy(page: Page, link: str) -> str:
    """The code of the coupon."""
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
    code: str = Coupon._base_manager.get().code
    return code


def redeem(page: Page, code: str) -> None:
    page.goto("/clerk/")
    page.locator("input[name=code]").fill(code)
    page.keyboard.press("Enter")
    page.locator("[data-answer=card]").get_by_role("button", name=re.compile("Redeem 1")).click()
    expect(page.locator("[data-answer=done], [data-answer=success]").first).to_be_visible()


def parts(line: SettlementLine) -> dict[str, int]:
    return {
        "platform": line.platform_fee_fen,
        "provider": line.service_fee_fen,
        "station": line.station_share_fen,
        "creator": line.commission_fen,
        "merchant": line.merchant_fen,
    }
