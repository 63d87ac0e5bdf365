"""The counter over HTTP, without JavaScript and as parts: who gets in, check, redeem once, undo, every refusal."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.domain import counter_coupon, redemption_refusals
from coupons.domain.codes import new_code
from coupons.domain.refunds import request_refund
from coupons.enums import CouponState
from coupons.models import Coupon, Redemption, RedemptionRefusal
from coupons.tests.town import make_town, make_user
from identity.enums import Role
from identity.models import Session, User
from merchants.domain.memberships import end_membership, set_membership
from merchants.enums import StoreState
from merchants.models import Membership, Store

HTMX = {"HX-Request": "true"}


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


@pytest.fixture
def counter(town):
    """The clerk's device: signed in, in his only store."""
    return enter(town.clerk)


def enter(user, store=None):
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    if store is not None:
        client.post("/clerk/store/", {"merchant": store.merchant.slug, "store": store.pk})
    client.get("/clerk/")
    return client


def confirm(client, coupon, **more):
    return client.post(
        "/clerk/redeem/", {"code": coupon.code, "attempt_key": "attempt-0001", "count": 1} | more
    )


# --- who gets in ---------------------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in(client, db):
    response = client.get("/clerk/")
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/clerk/")
    for path in ["check", "redeem", "undo"]:
        response = client.post(f"/clerk/{path}/")
        assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=%2Fclerk%2F")
    response = client.post("/clerk/check/", headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fclerk%2F")


def test_who_works_in_one_store_goes_straight_in(town):
    response = enter(town.clerk).get("/clerk/")
    assert response.status_code == 200
    assert town.store.name in response.content.decode()
    assert town.other_store.name not in response.content.decode()


def test_who_has_several_stores_chooses_once(town):
    client = enter(town.owner)
    assert client.get("/clerk/")["Location"] == "/clerk/store/"
    page = client.get("/clerk/store/").content.decode()
    assert town.store.name in page
    assert town.other_store.name in page

    response = client.post("/clerk/store/", {"merchant": "laozao", "store": town.other_store.pk})

    assert response["Location"] == "/clerk/"
    assert town.other_store.name in client.get("/clerk/").content.decode()
    for name in ["counter_store", "counter_device"]:
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["path"] == "/clerk/"


def test_who_works_nowhere_is_told_who_can_change_it(town):
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(make_user("Nobody"))
    response = client.get("/clerk/", follow=True)
    assert response.status_code == 403
    assert "can invite you under Staff" in response.content.decode()
    assert town.store.name not in response.content.decode()


@pytest.mark.parametrize("whose", ["foreign", "unbound", "closed", "words"])
def test_only_an_open_store_of_the_grant_can_be_chosen(town, whose):
    foreign = make_town(slug="other", name="别家")
    Store.objects.filter(pk=town.store.pk).update(state=StoreState.CLOSED)
    store = {
        "foreign": foreign.store.pk,
        "unbound": town.other_store.pk,
        "closed": town.store.pk,
        "words": "1 OR 1=1",
    }[whose]
    client = Client()
    client.force_login(town.clerk)
    response = client.post("/clerk/store/", {"merchant": "laozao", "store": store})
    assert response.status_code == 404
    assert "counter_store" not in client.cookies


def test_a_store_is_found_among_many(town):
    for number in range(60):
        Store.objects.create(merchant=town.merchant, name=f"Store {number:02d}", number=f"N{number}")
    client = enter(town.owner)
    assert "There are more stores" in client.get("/clerk/store/").content.decode()
    found = client.get("/clerk/store/", {"q": "N41"}, headers=HTMX).content.decode()
    assert re.findall(r"Store \d\d", found) == ["Store 41"]


def test_a_forged_store_is_no_store(town):
    client = Client()
    client.force_login(town.clerk)
    client.cookies["counter_store"] = f"laozao:{town.other_store.pk}"
    response = client.post("/clerk/check/", {"code": "1"}, headers=HTMX)
    assert response["HX-Redirect"] == "/clerk/store/"
    assert town.other_store.name not in client.get("/clerk/").content.decode()


def test_an_ended_membership_ends_the_counter_at_once(town, counter):
    (coupon,) = town.buy()
    end_membership(membership=Membership.objects.get(user=town.clerk), by=town.owner)

    response = confirm(counter, coupon)

    assert response["Location"] == "/clerk/store/"
    assert Redemption.objects.count() == 0


# --- check, redeem, undo ---------------------------------------------------------------------------------------------


def test_check_shows_the_card_and_changes_nothing(town, counter):
    coupons = town.buy(quantity=2)

    page = counter.post("/clerk/check/", {"code": f" ４８ {coupons[0].code}"[4:]}).content.decode()

    assert "双人鸳鸯锅套餐" in page
    assert "¥128.00 each" in page
    assert "¥216.00" in page
    assert "phone ending 8821" in page
    assert "2 can be used" in page
    assert re.search(r'name="attempt_key" value="[0-9a-f]{32}"', page)
    assert Redemption.objects.count() == 0
    assert RedemptionRefusal.objects.count() == 0


@pytest.mark.parametrize("typed", ["{0}", " {0} ", "{1}", "{2}"])
def test_spaces_and_full_width_digits_are_understood(town, counter, typed):
    (coupon,) = town.buy()
    spaced = " ".join([coupon.code[:4], coupon.code[4:8], coupon.code[8:]])
    wide = coupon.code.translate({ord(str(n)): ord("０") + n for n in range(10)})
    response = counter.post("/clerk/check/", {"code": typed.format(coupon.code, spaced, wide)}, headers=HTMX)
    assert response.status_code == 200
    assert f'data-code="{coupon.code}"' in response.content.decode()


def test_a_short_code_is_told_and_not_counted_as_a_try(town, counter):
    response = counter.post("/clerk/check/", {"code": "1234 5678"}, headers=HTMX)
    assert response.status_code == 422
    assert "has 15 digits; this has 8" in response.content.decode()
    assert RedemptionRefusal.objects.count() == 0


def test_redeem_then_the_list_of_today_then_undo(town, counter):
    coupons = town.buy(quantity=3)

    page = confirm(counter, coupons[0], count=2).content.decode()

    assert "Redeemed: 2" in page
    assert "This device today: 2 · ¥256.00" in page
    assert "×2" in page
    uses = Redemption.objects.order_by("id")
    assert [(use.store, use.clerk, len(use.device)) for use in uses] == [(town.store, town.clerk, 32)] * 2

    ids = {"redemption": [use.pk for use in uses]}
    question = counter.post("/clerk/undo/", ids).content.decode()
    assert "Undo these 2 redemptions?" in question
    assert Redemption.objects.filter(reversed_at__isnull=False).count() == 0

    page = counter.post("/clerk/undo/", ids | {"confirmed": "1"}).content.decode()
    assert "Undone: 2" in page
    assert "This device today: 0 · ¥0.00" in page
    assert set(Coupon.objects.values_list("state", "uses_left")) == {(CouponState.ISSUED, 1)}


def test_the_same_attempt_gets_the_first_answer(town, counter):
    (coupon,) = town.buy()
    first = confirm(counter, coupon)
    again = confirm(counter, coupon)
    assert (first.status_code, again.status_code) == (200, 200)
    assert "nothing was redeemed twice" not in first.content.decode()
    assert "nothing was redeemed twice" in again.content.decode()
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt_key": ""},
        {"attempt_key": "short"},
        {"attempt_key": "x" * 65},
        {"attempt_key": "钥匙钥匙钥匙钥匙"},
        {"count": "two"},
        {"count": "-1"},
        {"count": "²"},
        {"count": "99999"},
    ],
)
def test_bad_input_is_named_and_redeems_nothing(town, counter, wrong):
    (coupon,) = town.buy()
    response = confirm(counter, coupon, **wrong)
    assert response.status_code == 422
    assert next(iter(wrong)) in response.content.decode()
    assert Redemption.objects.count() == 0


@pytest.mark.parametrize("text", ["\x00", "'; --", "x" * 100_000, "🂡", "٣" * 15])
def test_odd_input_never_breaks_the_counter(town, counter, text):
    for path, body in [
        ("check", {"code": text}),
        ("redeem", {"code": text, "attempt_key": text, "count": text}),
        ("undo", {"redemption": text, "confirmed": text}),
        ("store", {"merchant": text, "store": text}),
    ]:
        assert counter.post(f"/clerk/{path}/", body).status_code in {404, 422}
    assert counter.get("/clerk/store/", {"q": text, "merchant": "laozao"}).status_code == 200
    assert counter.get("/clerk/store/", {"merchant": text}).status_code == 200
    assert RedemptionRefusal.objects.count() == 0


@pytest.mark.parametrize("end", ["password", "inactive", "signed out"])
def test_a_session_that_ended_redeems_nothing(town, counter, end):
    """The hot path asks for session and user itself; what Django would refuse it refuses too."""
    (coupon,) = town.buy()
    if end == "password":
        town.clerk.set_password("another-long-one")
        town.clerk.save()
    elif end == "inactive":
        User.objects.filter(pk=town.clerk.pk).update(is_active=False)
    else:
        Session.objects.all().delete()

    response = counter.post(
        "/clerk/redeem/", {"code": coupon.code, "attempt_key": "attempt-0001", "count": 1}, headers=HTMX
    )

    assert (response.status_code, response["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fclerk%2F")
    assert Redemption.objects.count() == 0


def test_a_session_whose_column_lies_redeems_for_nobody(town, counter):
    """The user beside a session only finds it: what is signed in it decides."""
    (coupon,) = town.buy()
    stranger = make_user("路人")
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(stranger)
    client.cookies["counter_store"] = counter.cookies["counter_store"].value
    Session.objects.filter(user=stranger).update(user=town.clerk)

    response = confirm(client, coupon)

    assert (response.status_code, response["Location"]) == (302, "/clerk/store/")
    assert Redemption.objects.count() == 0


def test_the_device_is_known_by_the_cookie_of_its_store_alone(town, counter):
    device = counter.cookies["counter_store"].value.split(":")[2]
    assert counter.cookies["counter_device"].value.startswith(device)
    del counter.cookies["counter_device"]

    confirm(counter, town.buy()[0])

    assert Redemption.objects.get().device == device


def test_nothing_of_the_counter_is_kept_by_a_cache(town, counter):
    (coupon,) = town.buy()
    answers = [
        counter.post("/clerk/check/", {"code": coupon.code}, headers=HTMX),
        counter.get("/clerk/today/", headers=HTMX),
        confirm(counter, coupon),
        Client().post("/clerk/redeem/"),
    ]
    for answer in answers:
        assert "no-store" in answer["Cache-Control"]
        assert {"Cookie", "Accept-Language"} <= set(answer["Vary"].split(", "))


def test_a_changed_secret_key_keeps_sessions_while_the_old_one_is_known(town, counter, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-key-of-this-installation-with-enough-letters"
    (coupon,) = town.buy()
    assert "Redeemed: 1" in confirm(counter, coupon).content.decode()


def test_the_hot_path_asks_little(town, counter, settings):
    (coupon,) = town.buy()
    counter.cookies[settings.LANGUAGE_COOKIE_NAME] = (
        "zh-hans"  # a device without it asks for its user's language, too
    )
    with CaptureQueriesContext(connection) as statements:
        counter.post(
            "/clerk/redeem/", {"code": coupon.code, "attempt_key": "attempt-0001", "count": 1}, headers=HTMX
        )
    # Session, user, grant, merchant and store at once; then the domain's four.
    assert len(statements) == 5


def test_redeeming_needs_no_redis(town, counter, settings):
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    (coupon,) = town.buy()
    assert counter.post("/clerk/check/", {"code": coupon.code}).status_code == 200
    assert "Redeemed: 1" in confirm(counter, coupon).content.decode()
    assert Redemption.objects.count() == 1


def test_today_costs_the_same_for_many_rows(town, counter):
    for _ in range(3):
        confirm(counter, town.buy()[0], attempt_key=f"attempt-{_}-x")
    with CaptureQueriesContext(connection) as few:
        counter.get("/clerk/today/", headers=HTMX)
    for _ in range(5):
        confirm(counter, town.buy()[0], attempt_key=f"attempt-{_}-y")
        counter.post("/clerk/check/", {"code": new_code()})
    with CaptureQueriesContext(connection) as many:
        counter.get("/clerk/today/", headers=HTMX)
    assert len(many) == len(few)


def test_undo_reaches_only_redemptions_of_ones_own_stores(town, counter):
    (coupon,) = town.buy()
    receipt = town.redeem(coupon.code, store=town.other_store, clerk=town.owner)
    foreign = make_town(slug="other", name="别家")
    stranger = enter(foreign.clerk)
    body = {"redemption": receipt.redemptions[0].id, "confirmed": "1"}
    for client in [counter, stranger]:
        response = client.post("/clerk/undo/", body)
        assert response.status_code == 404
        assert coupon.code not in response.content.decode()
    assert Redemption.objects.filter(reversed_at__isnull=False).count() == 0


def test_undo_is_over_after_the_hour(town, counter):
    (coupon,) = town.buy()
    confirm(counter, coupon)
    Redemption.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert 'class="undo-form"' not in counter.get("/clerk/").content.decode()
    response = counter.post("/clerk/undo/", {"redemption": Redemption.objects.get().pk, "confirmed": "1"})
    assert response.status_code == 409
    assert "The time to undo is over" in response.content.decode()


# --- every refusal -----------------------------------------------------------------------------------------------------


def unknown(town):
    return new_code()


def other_merchant(town):
    return make_town(slug="other", name="别家").buy()[0].code


def wrong_store(town):
    deal = town.make_deal(all_stores=False)
    deal.stores.set([town.other_store])
    return town.buy(deal=deal)[0].code


def not_yet(town):
    code = town.buy()[0].code
    Coupon.objects.filter(code=code).update(valid_from=timezone.now() + timedelta(days=3))
    return code


def expired(town):
    code = town.buy()[0].code
    Coupon.objects.filter(code=code).update(
        valid_from=timezone.now() - timedelta(days=9), valid_until=timezone.now() - timedelta(days=1)
    )
    return code


def unusable_day(town):
    today = timezone.now().astimezone(town.merchant.tzinfo).weekday()
    return town.buy(deal=town.make_deal(usable_weekdays=[(today + 3) % 7]))[0].code


def used(town):
    code = town.buy()[0].code
    town.redeem(code)
    return code


def refund_locked(town):
    coupon = town.buy()[0]
    request_refund(coupon=coupon, by=town.customer.user)
    return coupon.code


def refunded(town):
    code = refund_locked(town)
    Coupon.objects.filter(code=code).update(state=CouponState.REFUNDED)
    return code


def voided(town):
    code = town.buy()[0].code
    Coupon.objects.filter(code=code).update(state=CouponState.VOIDED)
    return code


def closed_store(town):
    code = town.buy()[0].code
    Store.objects.filter(pk=town.store.pk).update(state=StoreState.CLOSED)
    return code


def too_many(town):
    for _ in range(counter_coupon.WRONG_TRIES):
        with pytest.raises(redemption_refusals.CouponUnknown):
            town.redeem(new_code())
    return town.buy()[0].code


REFUSALS = [
    (unknown, 404, "coupon_unknown", "没有这个券码", "No coupon has this code"),
    (other_merchant, 404, "coupon_other_merchant", "别家商户", "another merchant"),
    (wrong_store, 409, "coupon_wrong_store", "山城老灶火锅(观音桥店)", "山城老灶火锅(观音桥店)"),
    (not_yet, 409, "coupon_not_yet_valid", "还", "cannot be used yet"),
    (expired, 409, "coupon_expired", "过期", "expired on"),
    (unusable_day, 409, "coupon_unusable_day", "时段", "cannot be used at this time"),
    (used, 409, "coupon_already_used", "李娜", "by 李娜"),
    (refund_locked, 409, "coupon_refund_locked", "退款", "asked for a refund"),
    (refunded, 409, "coupon_refunded", "已退款", "was refunded"),
    (voided, 409, "coupon_voided", "作废", "was withdrawn"),
    (closed_store, 409, "store_closed", "门店", "store is closed down"),
    (too_many, 429, "too_many_tries", "次", "Too many wrong codes"),
]


@pytest.mark.parametrize("step", ["check", "redeem"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(("make", "status", "code", "chinese", "english"), REFUSALS)
def test_every_refusal_has_its_sentence_and_is_kept(
    town, counter, make, status, code, chinese, english, language, step
):
    digits = make(town)
    before = list(Coupon.objects.order_by("id").values_list("state", "uses_left"))
    kept = RedemptionRefusal.objects.count()
    counter.cookies["django_language"] = language

    response = counter.post(f"/clerk/{step}/", {"code": digits, "attempt_key": "attempt-0001"}, headers=HTMX)

    page = response.content.decode()
    assert response.status_code == status
    assert f'data-refusal="{code}"' in page
    assert (chinese if language == "zh-hans" else english) in page
    assert list(Coupon.objects.order_by("id").values_list("state", "uses_left")) == before
    refusal = RedemptionRefusal.objects.latest("id")
    assert RedemptionRefusal.objects.count() == kept + 1
    assert (refusal.code, refusal.store, refusal.clerk) == (code, town.store, town.clerk)
    assert digits not in refusal.masked_code


def test_too_many_tries_says_how_long(town, counter):
    page = counter.post("/clerk/check/", {"code": too_many(town)}, headers=HTMX).content.decode()
    seconds = int(re.search(r'data-lock data-seconds-left="(\d+)"', page)[1])
    assert 20 <= seconds <= 45  # half a minute, give or take a slow machine


def test_more_than_there_are_is_refused(town, counter):
    (coupon,) = town.buy()
    response = confirm(counter, coupon, count=2)
    assert response.status_code == 422
    assert "Only 1 can be used now" in response.content.decode()
    assert Redemption.objects.count() == 0


def test_a_clerk_of_two_merchants_redeems_at_the_one_he_chose(town):
    other = make_town(slug="other", name="别家")
    set_membership(
        merchant=other.merchant, user=town.clerk, role=Role.CLERK, stores=[other.store], by=other.owner
    )
    client = enter(town.clerk)
    assert client.get("/clerk/")["Location"] == "/clerk/store/"
    client.post("/clerk/store/", {"merchant": "other", "store": other.store.pk})

    assert client.post("/clerk/check/", {"code": other.buy()[0].code}).status_code == 200
    assert client.post("/clerk/check/", {"code": town.buy()[0].code}).status_code == 404
