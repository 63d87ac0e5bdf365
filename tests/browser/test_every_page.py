"""Every page of the demonstration town, found by following links: policy, console, axe, both languages, both themes."""

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.core.management import call_command
from django.urls import Resolver404, resolve
from playwright.sync_api import BrowserContext, Page

from identity.models import User

pytestmark = pytest.mark.django_db(transaction=True)

# Where each kind of person begins; everything else is reached by links, one page per URL name.
PEOPLE = {
    "owner": ("+8613800000011", ["/", "/m/shancheng/", "/clerk/"]),
    "clerk": ("+8613800000014", ["/clerk/"]),
    "creator": ("+8613800000041", ["/c/"]),
    "provider": ("+8613800000051", ["/p/"]),
    "station": ("+8613800000061", ["/stations/"]),
    "nobody": (None, ["/", "/h5/shancheng/", "/accounts/login/"]),
}
# Not pages of ours, files, or doors that change something.
SKIPPED = {
    "account_logout",
    "statement_export",
    "payee_statement_export",
    "redemptions_export",
    "store_import_template",
    "api_docs",
    "api_schema",
    "live_wall_figures",
    "rehearsal_file",
}
ALWAYS_DARK = {"live_wall"}
MUST_SEE = {
    "merchant_home", "deals", "deal_new", "deal_edit", "stores", "store_add", "store_edit", "store_detail",
    "store_import", "staff", "staff_edit", "redemptions", "redemption_detail", "coupons", "coupon_detail", "statements",
    "statement_detail", "clerk", "clerk_store", "shop_home", "shop_deal", "account_login", "home",
    "refunds", "recalls", "refund_detail",
    "live_sessions", "live_new", "live_session", "live_card", "live_wall", "shop_live", "rehearsals", "deal_entrances",
    "creator_tasks", "creator_task_detail", "creator_task_new", "order_attribution", "creator_board", "creator_task",
    "creator_claims", "creator_claim", "creator_profile", "payee_statements",
    "provider_clients", "provider_stations", "provider_station", "provider_station_new", "station", "station_offer",
    "station_post_give", "merchant_stations", "exclusives", "exclusive_new", "provider_list", "provider_scorecard",
    "reconciliation", "reconciliation_day", "reconciliation_break", "bill_upload_new", "provider_bill",
}  # fmt: skip


def links(page: Page, name: str) -> dict[str, str]:
    """The first link to each URL name that is not seen yet."""
    found: dict[str, str] = {}
    for href in page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))"):
        target = urlsplit(urljoin(page.url, href))
        if target.netloc != urlsplit(page.url).netloc or target.path.startswith(("/ops", "/static")):
            continue
        try:
            match = resolve(target.path)
        except Resolver404:
            pytest.fail(f"{name} links to {target.path}, which is no page")
        found.setdefault(match.url_name or "", target.path)
    return found


def grave(page: Page) -> list[str]:
    return [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


def test_every_page_in_both_languages_and_themes(
    context: BrowserContext, page: Page, sign_in: Any, live_server: Any
) -> None:
    call_command("demo", json=True)
    found: list[str] = []
    seen: set[str] = set()
    for person, (phone, starts) in PEOPLE.items():
        cache.clear()
        context.clear_cookies()
        if phone:
            sign_in(User.objects.get(phone=phone))
        visited: set[str] = set()
        waiting = list(starts)
        while waiting:
            path = waiting.pop(0)
            name = resolve(path).url_name or path
            if name in visited | SKIPPED or (person != "owner" and name in seen):
                continue
            visited.add(name)
            for language, theme in (("zh-hans", "light"), ("en", "dark")):
                context.add_cookies(
                    [
                        {"name": "django_language", "value": language, "url": live_server.url},
                        {"name": "theme", "value": theme, "url": live_server.url},
                    ]
                )
                answer = page.goto(path)
                if answer is None or answer.status != 200:
                    found.append(f"{person} {path}: {answer and answer.status}")
                    break
                html = page.locator("html")
                if str(html.get_attribute("lang")).lower()[:2] != language[:2]:
                    found.append(f"{person} {path}: not in {language}")
                if html.get_attribute("data-bs-theme") != ("dark" if name in ALWAYS_DARK else theme):
                    found.append(f"{person} {path}: not {theme}")
                found += [f"{person} {path} {language} {theme} {fault}" for fault in grave(page)]
            waiting += links(page, name).values()
        seen |= visited
    assert not found, "\n".join(found)
    assert MUST_SEE - seen == set()
