"""The counter in Chromium: hands, a scanner gun, a camera, a lost answer."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import segno
from django.conf import settings
from django.test import Client
from django_scopes import scopes_disabled
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from coupons.domain.codes import new_code
from coupons.domain.redemption_refusals import CouponUnknown
from coupons.models import Redemption
from coupons.tests.town import Town, make_town, make_user
from identity.enums import Role
from merchants.domain.memberships import set_membership
from tests.browser.conftest import ARGUMENTS, Watch

pytestmark = pytest.mark.django_db(transaction=True)

# Chromium and htmx write every 4xx and broken connection to the console; here they are what the test is about.
EXPECTED = ("Failed to load resource", "Response Status Error Code 502", "htmx:")

TYPE_LIKE_A_GUN = """(keys) => {
  for (const key of keys) {
    const code = key === 'Enter' ? 'Enter' : /[0-9]/.test(key) ? 'Digit' + key : 'Key' + key.toUpperCase();
    document.activeElement.dispatchEvent(
      new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true, composed: true }));
  }
}"""


@pytest.fixture
def town(transactional_db: None) -> Any:
    with scopes_disabled():
        yield make_town()


@pytest.fixture
def counter(town: Town, page: Page, sign_in: Callable[[Any], None]) -> Page:
    sign_in(town.clerk)
    page.goto("/clerk/")
    return page


def gun(page: Page, text: str) -> None:
    page.evaluate(TYPE_LIKE_A_GUN, [*text, "Enter"])


def forgive(watch: Watch) -> None:
    watch.errors[:] = [error for error in watch.errors if not error.startswith(EXPECTED)]


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_check_confirm_undo(counter: Page, town: Town, screen: str, axe: Callable[[Page], None]) -> None:
    coupons = town.buy(quantity=2)
    axe(counter)

    counter.get_by_label("券码").press_sequentially(coupons[0].code, delay=70)
    expect(counter.get_by_label("券码")).to_have_value(
        f"{coupons[0].code[:4]} {coupons[0].code[4:8]} {coupons[0].code[8:12]} {coupons[0].code[12:]}"
    )
    counter.keyboard.press("Enter")
    expect(counter.get_by_role("heading", name="双人鸳鸯锅套餐")).to_be_visible()
    axe(counter)
    counter.keyboard.press("2")
    expect(counter.get_by_role("button", name="确认核销 2 张")).to_be_focused()
    counter.keyboard.press("Enter")

    expect(counter.get_by_text("已核销 2 张", exact=True)).to_be_visible()
    expect(counter.get_by_role("heading", name="本机今日 2 张 · ¥256.00")).to_be_visible()
    axe(counter)
    assert Redemption.objects.filter(reversed_at__isnull=True).count() == 2

    counter.get_by_role("button", name="撤销 59:").click()
    expect(counter.get_by_text("撤销这 2 笔核销？")).to_be_visible()
    axe(counter)
    assert Redemption.objects.filter(reversed_at__isnull=True).count() == 2
    counter.get_by_role("button", name="确认撤销").click()
    expect(counter.get_by_text("已撤销 2 张", exact=True)).to_be_visible()
    expect(counter.get_by_role("heading", name="本机今日 0 张 · ¥0.00")).to_be_visible()
    assert Redemption.objects.filter(reversed_at__isnull=True).count() == 0


def test_success_leaves_by_itself(counter: Page, town: Town) -> None:
    (coupon,) = town.buy()
    gun(counter, coupon.code)
    counter.get_by_role("button", name="确认核销 1 张").click()
    expect(counter.get_by_text("已核销 1 张", exact=True)).to_be_visible()
    expect(counter.get_by_text("已核销 1 张", exact=True)).to_have_count(0, timeout=8_000)
    expect(counter.get_by_label("券码")).to_be_focused()


def test_the_gun_is_heard_outside_the_field_and_never_confirms(counter: Page, town: Town) -> None:
    (one,), (two,) = town.buy(), town.buy()
    counter.get_by_role("link", name="换门店").focus()
    gun(counter, one.code)
    expect(counter.locator(f'[data-answer="card"][data-code="{one.code}"]')).to_be_visible()
    # The next scan, and a gun that sends Enter twice, look at a coupon; only a hand confirms.
    gun(counter, two.code)
    counter.evaluate(TYPE_LIKE_A_GUN, ["Enter"])
    expect(counter.locator(f'[data-answer="card"][data-code="{two.code}"]')).to_be_visible()
    counter.evaluate(TYPE_LIKE_A_GUN, ["Enter"])
    assert Redemption.objects.count() == 0


def test_letters_of_an_input_method_are_answered_with_a_hint(counter: Page, town: Town) -> None:
    gun(counter, "https")
    expect(counter.get_by_text("请切换到英文输入法")).to_be_visible()
    gun(counter, "12345678")
    expect(counter.get_by_text("券的二维码是 15 位数字")).to_be_visible()
    assert Redemption.objects.count() == 0


def test_escape_clears_and_uses_nothing(counter: Page, town: Town) -> None:
    (coupon,) = town.buy()
    gun(counter, coupon.code)
    expect(counter.locator('[data-answer="card"]')).to_be_visible()
    counter.keyboard.press("Escape")
    expect(counter.locator("[data-answer]")).to_have_count(0)
    expect(counter.get_by_label("券码")).to_have_value("")
    assert Redemption.objects.count() == 0


def test_a_refusal_is_shown_with_its_next_step(
    counter: Page, town: Town, watch: Watch, axe: Callable
) -> None:
    gun(counter, new_code())
    expect(counter.get_by_role("alert").get_by_text("没有这个券码。")).to_be_visible()
    expect(counter.get_by_text("请核对 15 位数字")).to_be_visible()
    expect(counter.get_by_role("heading", name="本机今日 0 张")).to_be_visible()
    expect(counter.get_by_text("未核销", exact=True)).to_be_visible()
    axe(counter)
    forgive(watch)


def test_too_many_tries_lock_the_counter_and_count_down(counter: Page, town: Town, watch: Watch) -> None:
    (coupon,) = town.buy()
    for tries in range(1, 6):
        gun(counter, new_code())
        expect(counter.locator(".today-row")).to_have_count(tries)
    gun(counter, coupon.code)
    expect(counter.get_by_text("错误次数过多。")).to_have_count(2)
    expect(counter.locator("[data-lock]")).to_have_text(re.compile(r"00:(2\d|30|31)"))
    expect(counter.get_by_role("button", name="查券")).to_be_disabled()
    gun(counter, coupon.code)  # a locked counter asks nobody
    expect(counter.locator(".today-row")).to_have_count(6)
    forgive(watch)


@pytest.mark.parametrize("lost", ["after", "before", "broken"])
@pytest.mark.parametrize("reload", [False, True])
def test_a_lost_answer_is_asked_for_again(
    counter: Page, town: Town, watch: Watch, lost: str, reload: bool
) -> None:
    (coupon,) = town.buy()
    sent: list[str] = []

    def lose(route: Route) -> None:
        sent.append(route.request.post_data or "")
        if lost == "after":
            route.fetch()  # the server redeems, its answer is lost on the way
        if lost == "broken":
            route.fulfill(status=502, body="bad gateway")
        else:
            route.abort("connectionreset")

    counter.route("**/clerk/redeem/", lose, times=1)
    gun(counter, coupon.code)
    counter.get_by_role("button", name="确认核销 1 张").click()
    expect(counter.get_by_text("还没有收到结果。")).to_be_visible()
    expect(counter.get_by_text("已核销", exact=False).and_(counter.locator(".answer-head"))).to_have_count(0)
    counter.keyboard.press("Escape")
    expect(counter.get_by_text("还没有收到结果。")).to_be_visible()
    if reload:
        counter.reload()

    with counter.expect_request("**/clerk/redeem/") as again:
        counter.get_by_role("button", name="再查一次结果").click()

    expect(counter.get_by_text("已核销 1 张", exact=True)).to_be_visible()
    assert Redemption.objects.count() == 1
    key = Redemption.objects.get().attempt_key
    assert key in sent[0]
    assert key in (again.value.post_data or "")
    expect(counter.get_by_text("没有重复核销")).to_have_count(1 if lost == "after" else 0)
    counter.reload()
    expect(counter.get_by_text("还没有收到结果。")).to_have_count(0)
    forgive(watch)


def test_a_missing_answer_comes_before_the_next_coupon(counter: Page, town: Town, watch: Watch) -> None:
    (one,), (two,) = town.buy(), town.buy()
    counter.route("**/clerk/redeem/", lambda route: route.abort("connectionreset"), times=1)
    gun(counter, one.code)
    counter.get_by_role("button", name="确认核销 1 张").click()
    expect(counter.get_by_text("还没有收到结果。")).to_be_visible()
    gun(counter, two.code)
    expect(counter.locator(f'[data-answer="wait"][data-code="{one.code}"]')).to_be_visible()
    counter.get_by_role("button", name="再查一次结果").click()
    expect(counter.get_by_text("已核销 1 张", exact=True)).to_be_visible()
    gun(counter, two.code)
    expect(counter.locator(f'[data-answer="card"][data-code="{two.code}"]')).to_be_visible()
    assert Redemption.objects.get().coupon_id == one.pk
    forgive(watch)


def test_an_attempt_of_somebody_else_is_not_sent_again(
    counter: Page, town: Town, watch: Watch, sign_in: Callable[[Any], None]
) -> None:
    (coupon,) = town.buy()
    counter.route("**/clerk/redeem/", lambda route: route.abort("connectionreset"), times=1)
    gun(counter, coupon.code)
    counter.get_by_role("button", name="确认核销 1 张").click()
    expect(counter.get_by_text("还没有收到结果。")).to_be_visible()
    colleague = make_user("小赵")
    set_membership(
        merchant=town.merchant, user=colleague, role=Role.CLERK, stores=[town.store], by=town.owner
    )
    sign_in(colleague)
    counter.reload()
    expect(counter.get_by_label("券码")).to_be_focused()
    expect(counter.get_by_text("还没有收到结果。")).to_have_count(0)
    assert Redemption.objects.count() == 0
    forgive(watch)


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [
        ("phone", "light", "en"),
        ("phone", "dark", "zh-hans"),
        ("desktop", "dark", "en"),
        ("desktop", "light", "zh-hans"),
    ],
)
def test_every_state_is_readable_by_everyone(
    counter: Page,
    town: Town,
    watch: Watch,
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    coupons = town.buy(quantity=3)
    states = [
        ("card", lambda: gun(counter, coupons[0].code)),
        ("done", lambda: counter.locator("#redeem-button").click()),
        ("refused", lambda: gun(counter, coupons[0].code)),
        ("undo", lambda: counter.locator(".undo-form button").click()),
        ("undone", lambda: counter.locator("#undo-button").click()),
        ("short", lambda: submit(counter, "1234")),
    ]
    for state, act in states:
        act()
        expect(counter.locator(f'[data-answer="{state}"]')).to_be_visible()
        axe(counter)
        width = counter.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert width == 0, f"{state} is wider than the screen"
    forgive(watch)


def submit(page: Page, digits: str) -> None:
    page.locator("#code").fill(digits)
    page.locator("#check-button").click()


@pytest.mark.parametrize(
    ("screen", "theme", "language"),
    [
        ("phone", "light", "en"),
        ("phone", "dark", "zh-hans"),
        ("desktop", "dark", "en"),
        ("desktop", "light", "zh-hans"),
    ],
)
def test_records_and_coupons_are_readable_by_everyone(
    page: Page,
    town: Town,
    sign_in: Callable,
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    language: str,
) -> None:
    (coupon,) = town.buy()
    receipt = town.redeem(coupon.code)
    with pytest.raises(CouponUnknown):
        town.redeem(new_code())
    sign_in(town.owner)
    for path in [
        "redemptions/",
        "redemptions/?state=refused",
        "redemptions/?state=reversed",
        f"redemptions/{receipt.redemptions[0].id}/",
        "coupons/",
        f"coupons/{coupon.pk}/",
        "coupons/?q=0000",
    ]:
        page.goto(f"/m/laozao/{path}")
        axe(page)
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width == 0, f"{path} is wider than the screen"
    page.goto("/clerk/")
    axe(page)


def test_filters_apply_at_once_and_stay_in_the_address(page: Page, town: Town, sign_in: Callable) -> None:
    town.redeem(town.buy()[0].code)
    town.redeem(town.buy()[0].code, store=town.other_store, clerk=town.owner)
    sign_in(town.owner)
    page.goto("/m/laozao/redemptions/")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("门店").select_option(label=town.other_store.name)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text("¥128.00").first).to_be_visible()
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="已撤销").click()
    expect(page.get_by_text("没有符合条件的记录。")).to_be_visible()
    expect(page.get_by_label("门店")).to_have_value(str(town.other_store.pk))


def test_two_tabs_redeem_once(counter: Page, town: Town, context: BrowserContext, watch: Watch) -> None:
    (coupon,) = town.buy()
    other = context.new_page()
    other.goto("/clerk/")
    for page in [counter, other]:
        gun(page, coupon.code)
        expect(page.locator('[data-answer="card"]')).to_be_visible()
    counter.get_by_role("button", name="确认核销 1 张").click()
    expect(counter.get_by_text("已核销 1 张", exact=True)).to_be_visible()
    other.get_by_role("button", name="确认核销 1 张").click()
    expect(other.get_by_role("alert").get_by_text("经手人 李娜")).to_be_visible()
    assert Redemption.objects.count() == 1
    forgive(watch)


def test_without_connection_nothing_is_called_done(
    counter: Page, town: Town, context: BrowserContext, watch: Watch, axe: Callable
) -> None:
    (coupon,) = town.buy()
    gun(counter, coupon.code)
    expect(counter.locator('[data-answer="card"]')).to_be_visible()
    context.set_offline(True)
    expect(counter.get_by_text("网络断了")).to_be_visible()
    axe(counter)
    counter.get_by_role("button", name="确认核销 1 张").click()
    expect(counter.get_by_text("还没有收到结果。")).to_be_visible()
    expect(counter.get_by_text("已核销 1 张")).to_have_count(0)
    context.set_offline(False)
    expect(counter.get_by_text("网络断了")).to_be_hidden()
    counter.get_by_role("button", name="再查一次结果").click()
    expect(counter.get_by_text("已核销 1 张", exact=True)).to_be_visible()
    assert Redemption.objects.count() == 1
    forgive(watch)


def test_plain_forms_do_it_too(town: Town, browser: Any, live_server: Any) -> None:
    coupons = town.buy(quantity=2)
    page = new_context(browser, live_server, town, java_script_enabled=False).new_page()
    page.goto("/clerk/")
    page.get_by_label("券码").fill(coupons[0].code)
    page.get_by_role("button", name="查券").click()
    page.locator("label[for=count-2]").click()
    page.get_by_role("button", name="确认核销").click()
    expect(page.get_by_text("已核销 2 张", exact=True)).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="确认撤销").click()
    expect(page.get_by_text("已撤销 2 张", exact=True)).to_be_visible()
    assert Redemption.objects.filter(reversed_at__isnull=False).count() == 2
    page.context.close()


def jpeg(content: str | None) -> bytes:
    """One 640×480 frame of a camera that sees this QR code (None: an empty table)."""
    frame = Image.new("RGB", (640, 480), "#8a7f70")
    if content is not None:
        drawn = io.BytesIO()
        segno.make(content, micro=False).save(drawn, kind="png", scale=10, border=4)
        frame.paste(Image.open(drawn).convert("RGB").rotate(4, expand=True, fillcolor="#8a7f70"), (150, 60))
    encoded = io.BytesIO()
    frame.save(encoded, "JPEG", quality=88)
    return encoded.getvalue()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return tmp_path / "camera.mjpeg"


def open_with_camera(playwright: Any, chromium: Path, film: Path) -> Any:
    return playwright.chromium.launch(
        executable_path=str(chromium),
        args=[
            *ARGUMENTS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )


def test_the_camera_reads_a_coupon(
    town: Town, playwright: Any, chromium: Path, film: Path, live_server: Any, watch: Watch
) -> None:
    (coupon,) = town.buy()
    film.write_bytes(b"".join([jpeg(None), *[jpeg(coupon.code)] * 5]))
    browser = open_with_camera(playwright, chromium, film)
    try:
        page = new_page(browser, live_server, town, watch)
        page.goto("/clerk/")
        page.keyboard.press("F2")
        expect(page.locator(f'[data-answer="card"][data-code="{coupon.code}"]')).to_be_visible(timeout=20_000)
        expect(page.locator("#camera")).to_be_hidden()
        assert watch.violations == []
        assert watch.errors == []
    finally:
        browser.close()


def test_a_foreign_qr_code_is_told_apart(
    town: Town, playwright: Any, chromium: Path, film: Path, live_server: Any, watch: Watch
) -> None:
    film.write_bytes(jpeg("https://example.com/482913057716123") * 5)
    browser = open_with_camera(playwright, chromium, film)
    try:
        page = new_page(browser, live_server, town, watch)
        page.goto("/clerk/")
        page.get_by_role("button", name="相机扫码").click()
        expect(page.get_by_text("这个二维码不是券码")).to_be_visible(timeout=20_000)
        expect(page.locator("[data-answer]")).to_have_count(0)
        page.get_by_role("button", name="关闭相机").click()
        expect(page.locator("#camera")).to_be_hidden()
        assert watch.violations == []
    finally:
        browser.close()


def new_page(browser: Any, live_server: Any, town: Town, watch: Watch) -> Page:
    context = new_context(browser, live_server, town, permissions=["camera"])
    watch.attach(context)
    return context.new_page()


def new_context(browser: Any, live_server: Any, town: Town, **more: Any) -> BrowserContext:
    """A browser of its own, signed in as the clerk."""
    client = Client()
    client.force_login(town.clerk)
    context = browser.new_context(base_url=live_server.url, locale="zh-CN", **more)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    return context


def test_without_a_camera_a_photo_does_it(counter: Page, town: Town) -> None:
    (coupon,) = town.buy()
    counter.get_by_role("button", name="相机扫码").click()
    expect(counter.get_by_text("请拍照", exact=False)).to_be_visible()
    counter.locator("#camera-file").set_input_files(
        {"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": jpeg(None)}
    )
    expect(counter.get_by_text("照片里没有找到二维码")).to_be_visible()
    counter.locator("#camera-file").set_input_files(
        {"name": "coupon.jpg", "mimeType": "image/jpeg", "buffer": jpeg(coupon.code)}
    )
    expect(counter.locator(f'[data-answer="card"][data-code="{coupon.code}"]')).to_be_visible()
