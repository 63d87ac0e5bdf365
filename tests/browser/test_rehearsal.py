"""Rehearsals in Chromium: the rounds, one under way, reports of a go and of a no-go, one that broke off."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled
from playwright.sync_api import Page, expect

from coupons.live.domain.plan import SessionPlan, plan_session
from coupons.live.domain.session_deals import Allotment
from coupons.live.enums import RehearsalState
from coupons.live.models import LiveSession, Rehearsal
from coupons.live.tests.rehearsal_reports import put_rehearsal
from coupons.tests.town import make_town

pytestmark = pytest.mark.django_db(transaction=True)

PROGRESS = {
    "second": 143, "seconds": 300, "step": 1, "rate": 35.6, "p95_ms": 84, "errors": 3, "sold": 3_120, "stock": 12_540,
    "faults": [{"kind": "worker_killed", "at": 60.1}, {"kind": "slow_provider", "at": 90.0}],
}  # fmt: skip


@pytest.fixture
def session(transactional_db: None, sign_in: Callable[[Any], None]) -> LiveSession:
    with scopes_disabled():
        town = make_town()
        planned = plan_session(
            merchant=town.merchant,
            plan=SessionPlan(
                title="周六夜场",
                host_name="小敏",
                planned_from=timezone.now() + timedelta(days=9),
                planned_until=timezone.now() + timedelta(days=9, hours=2),
                deals=(Allotment(town.deal.pk, 50),),
            ),
            by=town.owner,
        )
    sign_in(town.owner)
    return planned


def look(page: Page, axe: Callable[[Page], None], name: str) -> None:
    """Readable by everyone, and not wider than the screen; kept as a picture where SHOTS says a folder."""
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if os.environ.get("SHOTS"):
        screen = f"{name}-{page.viewport_size['width']}-{page.locator('html').get_attribute('lang')}-{page.locator('html').get_attribute('data-bs-theme')}"
        page.screenshot(path=Path(os.environ["SHOTS"]) / f"{screen}.png", full_page=True)


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [
        ("phone", "light", "zh-hans"),
        ("phone", "dark", "en"),
        ("desktop", "light", "en"),
        ("desktop", "dark", "zh-hans"),
    ],
)
def test_rehearsal_pages_are_readable_by_everyone(
    page: Page, session: LiveSession, axe: Callable[[Page], None], screen: str, theme: str, language: str
) -> None:
    base = f"/m/laozao/live/{session.pk}/rehearsals/"
    page.goto(base)
    look(page, axe, "none")
    with scopes_disabled():
        put_rehearsal(session=session, state=RehearsalState.CANCELLED)
        failed = put_rehearsal(session=session, state=RehearsalState.FAILED)
        go = put_rehearsal(session=session)
        no_go = put_rehearsal(
            session=session,
            minutes=1,
            sold=2_995,
            invariants={"stock_equals_orders": 1, "paid_orders_have_their_coupons": 0},
            errors={"order no_answer": 4},
        )
        running = put_rehearsal(session=session, state=RehearsalState.RUNNING)
        Rehearsal.objects.filter(pk=running.pk).update(progress=PROGRESS)
    page.goto(base)
    look(page, axe, "rounds")
    page.goto(f"{base}{running.pk}/")
    expect(page.locator("progress")).to_have_attribute("value", "43")
    look(page, axe, "running")
    page.goto(f"{base}{failed.pk}/")
    look(page, axe, "failed")
    for rehearsal, name in ((go, "go"), (no_go, "no-go")):
        page.goto(f"{base}{rehearsal.pk}/")
        expect(page.locator("[data-chart] canvas")).to_have_count(2)
        look(page, axe, name)


def test_who_watches_sees_the_report_when_it_is_over(page: Page, session: LiveSession) -> None:
    with scopes_disabled():
        running = put_rehearsal(session=session, state=RehearsalState.RUNNING)
        Rehearsal.objects.filter(pk=running.pk).update(progress=PROGRESS)
        page.goto(f"/m/laozao/live/{session.pk}/rehearsals/{running.pk}/")
        expect(page.locator("#progress")).to_contain_text("3120")
        Rehearsal.objects.filter(pk=running.pk).update(progress={**PROGRESS, "sold": 4_711})
        expect(page.locator("#progress")).to_contain_text("4711")
        done = put_rehearsal(session=session)
        Rehearsal.objects.filter(pk=running.pk).update(
            state=RehearsalState.FINISHED, phase="", finished_at=timezone.now(), report=done.report, go=True
        )
    expect(page.locator("#bottleneck-head")).to_be_visible()


def test_a_rehearsal_is_asked_for_and_cancelled_by_buttons(page: Page, session: LiveSession) -> None:
    page.goto(f"/m/laozao/live/{session.pk}/")
    page.get_by_role("link", name="彩排").click()
    page.get_by_label("峰值每秒下单数").fill("30")
    page.get_by_role("button", name="开始").click()
    expect(page.locator("progress")).to_be_visible()
    page.get_by_role("button", name="取消…").click()
    page.get_by_role("dialog").get_by_role("button", name="取消彩排").click()
    expect(page.get_by_text("这场彩排已取消，不能说明问题。")).to_be_visible()
    with scopes_disabled():
        rehearsal = Rehearsal.objects.get()
    assert (rehearsal.state, rehearsal.peak, rehearsal.seconds) == ("cancelled", 30, 300)
