"""Statements of every kind of payee in Chromium: readable by everyone, downloaded at once or when a job has made them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from core.domain.jobs import run_due_jobs
from coupons.settlement.domain import files
from coupons.settlement.enums import PayeeKind
from coupons.settlement.models import Statement
from coupons.settlement.tests.payees import SharedTown, make_shared_town

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("SHOTS")


@pytest.fixture
def shared(transactional_db: None) -> SharedTown:
    return make_shared_town()


def with_refunds(shared: SharedTown, kind: PayeeKind) -> Statement:
    return next(one for one in shared.sealed if one.kind == kind and one.refund_lines)


def address(statement: Statement) -> str:
    if statement.kind == PayeeKind.MERCHANT:
        return reverse("statement_detail", args=[statement.merchant.slug, statement.pk])
    return reverse("payee_statement_detail", args=[statement.payee_id, statement.pk])


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [
        ("phone", "light", "zh-hans"),
        ("phone", "dark", "en"),
        ("desktop", "dark", "zh-hans"),
        ("desktop", "light", "en"),
    ],
)
def test_statements_of_every_kind_are_readable_by_everyone(
    page: Page, shared: SharedTown, axe: Callable[[Page], None], sign_in: Callable[[Any], None],
    screen: str, theme: str, language: str,
) -> None:  # fmt: skip
    for kind in PayeeKind:
        statement = with_refunds(shared, kind)
        sign_in(shared.readers[kind])
        page.goto(address(statement))
        shot(page, f"{kind}-{screen}-{theme}-{language}")
        axe(page)
        assert fits(page)
        expect(page.locator("[data-row=refunded]")).to_be_visible()
        page.goto(f"{address(statement)}?by=coupon")
        shot(page, f"{kind}-{screen}-{theme}-{language}-coupon")
        axe(page)
        assert fits(page)
        if kind != PayeeKind.MERCHANT:
            page.goto(reverse("payee_statements", args=[statement.payee_id]))
            shot(page, f"{kind}-{screen}-{theme}-{language}-list")
            axe(page)
            assert fits(page)


@pytest.mark.parametrize("kind", [PayeeKind.MERCHANT, PayeeKind.CREATOR])
def test_a_bundle_is_downloaded_and_checked_with_the_hash_on_the_page(
    page: Page, shared: SharedTown, sign_in: Callable[[Any], None], tmp_path: Path, kind: PayeeKind
) -> None:
    statement = with_refunds(shared, kind)
    sign_in(shared.readers[kind])
    page.goto(address(statement))
    with page.expect_download() as waiting:
        page.get_by_role("link", name="可核对的数据包").click()
    waiting.value.save_as(tmp_path / "bundle.zip")
    on_page = page.locator("dl.facts code").first.inner_text()

    subprocess.run(["unzip", "-q", "-o", "bundle.zip", "verify_statement.py"], cwd=tmp_path, check=True)
    command = [sys.executable, "-I", "verify_statement.py", "bundle.zip", "--expect", on_page]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    assert (result.returncode, on_page in result.stdout) == (0, True), result.stderr


def test_a_large_one_is_made_meanwhile_and_the_owner_told(
    page: Page, shared: SharedTown, sign_in: Callable[[Any], None], axe: Callable[[Page], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(files, "BACKGROUND_LINES", 1)
    statement = with_refunds(shared, PayeeKind.MERCHANT)
    sign_in(shared.readers[PayeeKind.MERCHANT])
    page.goto(address(statement))
    shot(page, "large-before")
    page.get_by_role("button", name="生成 XLSX").click()
    expect(page.locator("#files progress")).to_be_visible()
    shot(page, "large-making")
    axe(page)
    page.goto(reverse("statements", args=[shared.town.merchant.slug]))
    run_due_jobs(kinds=["make_statement_file"])

    expect(page.locator("#file-news")).to_contain_text("已生成", timeout=15_000)
    shot(page, "large-told")
    axe(page)
    page.locator("#file-news a").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 XLSX").click()
    shot(page, "large-ready")
    axe(page)
    assert waiting.value.suggested_filename == f"laozao-{statement.number}.xlsx"


def test_the_printed_page_is_the_ledger_its_lines_and_the_seal(
    page: Page, shared: SharedTown, sign_in: Callable[[Any], None]
) -> None:
    statement = with_refunds(shared, PayeeKind.MERCHANT)
    sign_in(shared.readers[PayeeKind.MERCHANT])
    page.goto(f"{address(statement)}?by=coupon")
    page.emulate_media(media="print")
    shot(page, "print")

    for shown in ("table.ledger", "#lines tbody tr >> nth=0", "#lines tfoot", "dl.facts"):
        expect(page.locator(shown)).to_be_visible()
    for hidden in (".rail", ".page-head .actions", "#files", "#answer", "#lines .card-actions .btn >> nth=0"):
        expect(page.locator(hidden)).to_be_hidden()
    assert statement.hash in page.locator("dl.facts").inner_text()
