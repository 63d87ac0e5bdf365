"""Chromium for the tests of pages: every test also fails on a broken security policy or an error in the console.

`page` is a phone or desktop, light or dark, Chinese or English page as the fixtures `screen`, `theme` and `language`
say; a test narrows or widens them with parametrize. `axe(page)` asserts that nothing serious stands in the way of
people who read with other senses.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SCREENS = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1366, "height": 900}}
LANGUAGES = {"zh-hans": "zh-CN", "en": "en-US"}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Playwright's loop runs in this thread, and Django would refuse the ORM beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def chromium() -> Path:
    if not CHROMIUM.exists():
        sentence = f"no Chromium at {CHROMIUM} (set CHROMIUM or install the package chromium)"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return CHROMIUM


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: Path) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": str(chromium), "args": ARGUMENTS}


@pytest.fixture
def screen() -> str:
    return "desktop"


@pytest.fixture
def theme() -> str:
    return "light"


@pytest.fixture
def language() -> str:
    return "zh-hans"


class Watch:
    """What a page did that it must not; a test that provokes an error on purpose takes it off the list."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.errors: list[str] = []

    def attach(self, context: BrowserContext) -> None:
        context.expose_function("reportViolation", lambda sentence: self.violations.append(sentence))
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => window.reportViolation("
            "`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"
        )
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on(
            "console", lambda message: self.errors.append(message.text) if message.type == "error" else None
        )


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def context(
    browser: Browser, watch: Watch, screen: str, theme: str, language: str, live_server: Any
) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport=SCREENS[screen],
        has_touch=screen == "phone",
        locale=LANGUAGES[language],
        timezone_id="Asia/Shanghai",
        base_url=live_server.url,
    )
    context.add_cookies(
        [
            {"name": "theme", "value": theme, "url": live_server.url},
            {"name": "django_language", "value": language, "url": live_server.url},
        ]
    )
    watch.attach(context)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Iterator[Page]:
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    assert watch.violations == []
    assert watch.errors == []


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Asserts that axe finds nothing serious or critical on the page as it stands.

    axe is brought in through the debugger, which the security policy does not bind, so the page keeps its policy.
    """

    def check(page: Page) -> None:
        found = Axe().run(page).response["violations"]
        grave = [
            f"{rule['id']}: {node['html'][:200]}"
            for rule in found
            if rule["impact"] in {"serious", "critical"}
            for node in rule["nodes"]
        ]
        assert grave == []

    return check


@pytest.fixture
def sign_in(context: BrowserContext, live_server: Any) -> Callable[[Any], None]:
    """Signs a user in without the form: the session cookie is put into the browser."""

    def put(user: Any) -> None:
        from django.conf import settings
        from django.test import Client

        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])

    return put
