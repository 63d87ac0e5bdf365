"""The counter by token: look, redeem exactly once, undo; every refusal by name."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scopes_disabled
from knox.models import AuthToken

from coupons.models import Redemption, RedemptionRefusal
from coupons.tests.town import Town, make_town
from identity.domain.grants import end_grants
from identity.enums import Role
from identity.models import User
from merchants.domain.memberships import set_membership
from tests.api.conftest import Api, api_of, error_of, fresh_key


def ask(town: Town, code: str, **more: Any) -> dict[str, Any]:
    return {"merchant": town.merchant.slug, "store_id": str(town.store.pk), "code": code} | more


def redemptions() -> int:
    with scopes_disabled():
        return Redemption.objects.count()


def test_clerk_sees_where_he_works(clerk: Api, town: Town) -> None:
    assert clerk.get("staff/posts/").json() == {
        "results": [
            {
                "merchant": "laozao",
                "merchant_name": "山城老灶火锅",
                "role": "clerk",
                "stores": [{"id": str(town.store.pk), "name": town.store.name, "city": "重庆"}],
            }
        ]
    }


def test_check_shows_the_coupon_and_changes_nothing(clerk: Api, town: Town) -> None:
    coupon, _ = town.buy(quantity=2)

    checked = clerk.post("redemption/check/", ask(town, f" {coupon.code[:4]} {coupon.code[4:]} ")).json()

    assert checked["code"] == coupon.code
    assert checked["usable_count"] == 2
    assert (checked["price_fen"], checked["list_price_fen"]) == (12_800, 21_600)
    assert checked["customer_tail"] == "8821"
    assert checked["bought_at"].endswith("+08:00")
    assert redemptions() == 0


def test_repeat_under_one_key_gets_the_first_receipt(clerk: Api, town: Town) -> None:
    coupon, other = town.buy(quantity=2)
    key = fresh_key()

    first = clerk.post("redemption/", ask(town, coupon.code, count=2), key=key)
    second = clerk.post("redemption/", ask(town, coupon.code, count=2), key=key)

    assert first.status_code == second.status_code == 200
    assert first.json()["gross_fen"] == 25_600
    assert {use["code"] for use in first.json()["redemptions"]} == {coupon.code, other.code}
    assert (first.json()["replayed"], second.json()["replayed"]) == (False, True)
    assert first.json()["redemptions"] == second.json()["redemptions"]
    assert redemptions() == 2


def test_key_of_another_coupon_is_refused(clerk: Api, town: Town) -> None:
    first, second = town.buy()[0], town.buy()[0]
    key = fresh_key()
    clerk.post("redemption/", ask(town, first.code), key=key)

    response = clerk.post("redemption/", ask(town, second.code), key=key)

    assert response.status_code == 409
    assert error_of(response)["code"] == "attempt_key_reused"
    assert redemptions() == 1


def test_redeeming_needs_a_key(clerk: Api, town: Town) -> None:
    (coupon,) = town.buy()

    assert error_of(clerk.post("redemption/", ask(town, coupon.code)))["code"] == "idempotency_key_missing"
    assert redemptions() == 0


def test_redeeming_asks_little(clerk: Api, town: Town) -> None:
    (coupon,) = town.buy()
    with CaptureQueriesContext(connection) as statements:
        assert clerk.post("redemption/", ask(town, coupon.code), key=fresh_key()).status_code == 200
    # Token, user, grant, merchant and store at once; then the domain's four.
    assert len(statements) == 5


@pytest.mark.parametrize("end", ["token", "expiry", "inactive", "grant"])
def test_what_ended_redeems_nothing_at_the_next_request(clerk: Api, town: Town, end: str) -> None:
    one, two = town.buy()[0], town.buy()[0]
    assert clerk.post("redemption/", ask(town, one.code), key=fresh_key()).status_code == 200
    if end == "token":
        AuthToken.objects.filter(user=town.clerk).delete()
    elif end == "expiry":
        AuthToken.objects.filter(user=town.clerk).update(expiry=timezone.now() - timedelta(seconds=1))
    elif end == "inactive":
        User.objects.filter(pk=town.clerk.pk).update(is_active=False)
    else:
        end_grants(user=town.clerk, party_id=town.merchant.pk, why="membership")

    response = clerk.post("redemption/", ask(town, two.code), key=fresh_key())

    assert response.status_code == (404 if end == "grant" else 401)
    assert redemptions() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "parse_error"),
        (b'{"code": "' + b"1" * 70_000 + b'"}', 413, "body_too_large"),
        (b'{"merchant": "laozao", "store_id": "x", "code": "1"}', 400, "invalid"),
    ],
    ids=["no JSON", "too large", "no store"],
)
def test_who_asks_comes_before_what_is_wrong_with_it(
    clerk: Api, anybody: Api, town: Town, body: bytes, status: int, code: str
) -> None:
    """The view reads the body first; nobody is told about it who is not signed in."""
    for stranger in (anybody, Api(token="0" * 64)):
        assert stranger.post("redemption/", body, key=fresh_key()).status_code == 401
    assert error_of(clerk.post("redemption/", body))["code"] == "idempotency_key_missing"

    response = clerk.post("redemption/", body, key=fresh_key())

    assert (response.status_code, error_of(response)["code"]) == (status, code)


def test_used_coupon_says_when_where_and_who_in_the_shops_time(clerk: Api, town: Town) -> None:
    (coupon,) = town.buy()
    at = timezone.now().replace(microsecond=0)
    town.redeem(coupon.code, at=at)

    response = clerk.post("redemption/", ask(town, coupon.code), key=fresh_key())

    error = error_of(response)
    local = (at.astimezone(town.merchant.tzinfo)).strftime("%Y-%m-%d %H:%M")
    assert response.status_code == 409
    assert error["code"] == "coupon_already_used"
    assert error["detail"] == f"Already used: {local}, {town.store.name}, by {town.clerk.name}."
    assert error["facts"]["clerk"] == town.clerk.name
    assert redemptions() == 1


def test_undo_gives_the_use_back_once(clerk: Api, town: Town) -> None:
    (coupon,) = town.buy()
    made = clerk.post("redemption/", ask(town, coupon.code), key=fresh_key()).json()
    body = {"merchant": "laozao", "redemption_ids": [made["redemptions"][0]["id"]], "reason": "客人改期"}

    undone = clerk.post("redemption/reversal/", body)
    again = clerk.post("redemption/reversal/", body)

    assert (undone.status_code, undone.json()) == (200, {"reversed": 1})
    assert (again.status_code, error_of(again)["code"]) == (409, "already_reversed")
    assert clerk.post("redemption/", ask(town, coupon.code), key=fresh_key()).status_code == 200


def test_undo_after_the_window_is_refused(clerk: Api, town: Town) -> None:
    (coupon,) = town.buy(at=timezone.now() - timedelta(hours=3))
    town.redeem(coupon.code, at=timezone.now() - timedelta(hours=2))
    with scopes_disabled():
        redemption = Redemption.objects.get()

    response = clerk.post(
        "redemption/reversal/", {"merchant": "laozao", "redemption_ids": [str(redemption.pk)]}
    )

    assert (response.status_code, error_of(response)["code"]) == (409, "reversal_too_late")


def test_clerk_undoes_only_what_happened_in_his_stores(clerk: Api, town: Town) -> None:
    (coupon,) = town.buy()
    receipt = town.redeem(coupon.code, store=town.other_store)

    response = clerk.post(
        "redemption/reversal/", {"merchant": "laozao", "redemption_ids": [str(receipt.redemptions[0].id)]}
    )

    assert response.status_code == 404
    with scopes_disabled():
        assert Redemption.objects.get().reversed_at is None


def test_clerk_redeems_only_in_his_stores_and_shop(clerk: Api, customer: Api, town: Town) -> None:
    (coupon,) = town.buy()
    other = make_town(slug="other", name="别家")

    elsewhere = clerk.post(
        "redemption/", ask(town, coupon.code, store_id=str(town.other_store.pk)), key=fresh_key()
    )
    other_shop = clerk.post("redemption/", ask(other, coupon.code), key=fresh_key())
    by_customer = customer.post("redemption/", ask(town, coupon.code), key=fresh_key())

    assert [r.status_code for r in (elsewhere, other_shop, by_customer)] == [404, 404, 404]
    assert {error_of(r)["code"] for r in (elsewhere, other_shop, by_customer)} == {"not_found"}
    assert redemptions() == 0


def test_finance_has_no_business_at_the_counter(town: Town) -> None:
    (coupon,) = town.buy()
    set_membership(merchant=town.merchant, user=town.clerk, role=Role.FINANCE, stores=[], by=town.owner)

    response = api_of(town.clerk).post("redemption/", ask(town, coupon.code), key=fresh_key())

    assert response.status_code == 404
    assert redemptions() == 0


@pytest.mark.parametrize("code", ["000000000000000", "1", "", "💥", "９" * 15, "x" * 64])
def test_wrong_code_is_named_and_kept(clerk: Api, town: Town, code: str) -> None:
    response = clerk.post("redemption/check/", ask(town, code))

    assert error_of(response)["code"] == ("blank" if not code else "coupon_unknown")
    with scopes_disabled():
        assert RedemptionRefusal.objects.count() == (1 if code else 0)


def test_guessing_codes_is_locked(clerk: Api, town: Town) -> None:
    for _ in range(5):
        clerk.post("redemption/check/", ask(town, "000000000000000"))

    response = clerk.post("redemption/check/", ask(town, "000000000000000"))

    assert response.status_code == 429
    assert error_of(response)["code"] == "too_many_tries"
    assert int(response["Retry-After"]) > 0


@pytest.mark.parametrize("count", [0, -1, "1", 1.5, None, 10**20])
def test_count_is_a_whole_positive_number(clerk: Api, town: Town, count: Any) -> None:
    (coupon,) = town.buy()

    response = clerk.post("redemption/", ask(town, coupon.code, count=count), key=fresh_key())

    assert response.status_code == 400
    assert error_of(response)["attr"] == "count"
    assert redemptions() == 0


def test_a_clerk_who_asks_too_often_is_told_to_wait(clerk: Api, town: Town, settings: Any) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"redeem": "2/day"}}
    (coupon,) = town.buy()

    answers = [clerk.post("redemption/check/", ask(town, coupon.code)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_of(answers[2])["code"] == "throttled"
    assert int(answers[2]["Retry-After"]) > 0
    with scopes_disabled():
        manager = api_of(town.owner)
    assert manager.post("redemption/check/", ask(town, coupon.code)).status_code == 200
