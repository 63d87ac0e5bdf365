"""Being paid, in Chromium: the shop's account and payouts, and the operators' batches; readable by everyone."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.settlement.domain.payout_approvals import approve_batch, export_batch
from coupons.settlement.domain.payout_proposals import propose_batch
from coupons.settlement.domain.payout_results import apply_results
from coupons.settlement.enums import BankFileKind
from coupons.settlement.models import Payout, PayoutBatch
from coupons.settlement.tests.paying import bank_says, give_account, redeem, state_and_confirm
from coupons.tests.town import Town, make_town, make_user
from identity.models import User
from tests.browser.looks import LOOKS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(transactional_db: None) -> Town:
    """A payout that came back, one that was paid, one that could be; a change of account that waits."""
    with scopes_disabled():
        town = make_town()
        give_account(town.merchant.party, by=town.owner)
        first, second = make_user("first"), make_user("second")
        redeem(town, uses=2, days_ago=3)
        state_and_confirm(town)
        for word in ("failed", "paid"):
            batch = propose_batch(by=first)
            approve_batch(batch=batch, by=second)
            export_batch(batch=batch, kind=BankFileKind.XLSX, by=first)
            apply_results(results=bank_says(batch, {batch.payouts.get(): word}, by=first), by=first)
        redeem(town)
        state_and_confirm(town)
        give_account(town.merchant.party, by=town.owner, number="3100020012349999", at=timezone.now())
    return town


def look(page: Page, axe: Callable[[Page], None], name: str) -> None:
    if folder := os.environ.get("TONGDAO_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("screen", "theme", "language"), LOOKS)
def test_a_shop_sees_where_and_what_it_is_paid(
    page: Page, town: Town, sign_in: Callable[[Any], None], axe: Callable[[Page], None],
    screen: str, theme: str, language: str,
) -> None:  # fmt: skip
    sign_in(town.owner)
    base, mark = f"/m/{town.merchant.slug}/", f"{screen}-{theme}-{language}"
    page.goto(f"{base}payouts/")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    look(page, axe, f"payouts-{mark}")
    page.locator("#list tbody a").last.click()
    expect(page.locator(".ledger tfoot")).to_contain_text("249.60")
    look(page, axe, f"payout-{mark}")
    page.goto(f"{base}bank-account/")
    look(page, axe, f"account-{mark}")
    page.locator("[data-dialog=cancel-account]").click()
    page.locator("#cancel-account button[type=submit]").click()
    expect(page.locator("[data-dialog=cancel-account]")).to_have_count(0)
    page.goto(f"{base}statements/")
    look(page, axe, f"statements-{mark}")


@pytest.mark.parametrize(("screen", "theme", "language"), [LOOKS[0], LOOKS[3]])
def test_an_operator_reads_payouts_and_a_batch(
    page: Page, town: Town, sign_in: Callable[[Any], None], axe: Callable[[Page], None],
    screen: str, theme: str, language: str,
) -> None:  # fmt: skip
    sign_in(User.objects.create_superuser(name="平台小陈", phone="+8613900000001"))
    mark = f"{screen}-{theme}-{language}"
    page.goto("/ops/settlement/payoutbatch/")
    expect(page.locator("#content")).to_contain_text("124.80")
    look(page, axe, f"ops-payouts-{mark}")
    with scopes_disabled():
        batch = PayoutBatch.objects.filter(state="finished").latest("id")
        by = User.objects.get(name="first")
        results = bank_says(batch, {Payout.objects.get(batch=batch): "perhaps"}, by=by)
    page.goto(f"/ops/settlement/payoutbatch/{batch.pk}/change/")
    look(page, axe, f"ops-batch-{mark}")
    page.goto(f"/ops/settlement/payoutbatch/{batch.pk}/results/{results.pk}/")
    look(page, axe, f"ops-results-{mark}")
