"""Tokens: customers by login code, staff by phone and password."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils import timezone
from knox.models import AuthToken

from coupons.tests.town import Town
from identity.customer_sign_in.sandbox import make_login_code
from identity.models import Customer, User
from tests.api.conftest import Api, error_of

PASSWORD = "a long enough one"


def exchange(api: Api, code: str, **more: Any) -> Any:
    return api.post("customers/sign-in/", {"login_code": code} | more)


@pytest.mark.django_db
def test_login_code_becomes_a_customer_with_a_token(anybody: Api) -> None:
    response = exchange(anybody, make_login_code(phone="138 0000 2210", nickname="小明"))

    answer = response.json()
    assert response.status_code == 200
    assert answer["customer"]["nickname"] == "小明"
    assert answer["customer"]["phone_tail"] == "2210"
    customer = Customer.objects.get()
    assert not customer.user.has_usable_password()
    assert Api(token=answer["token"]).get("orders/").status_code == 200
    assert AuthToken.objects.filter(digest__contains=answer["token"]).count() == 0


@pytest.mark.django_db
def test_the_same_person_is_the_same_customer(anybody: Api) -> None:
    first = exchange(anybody, make_login_code(phone="13800002210", nickname="小明"), provider="sandbox")
    second = exchange(anybody, make_login_code(phone="138-0000-2210"))

    assert first.json()["customer"] == second.json()["customer"]
    assert first.json()["token"] != second.json()["token"]
    assert (Customer.objects.count(), User.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_login_code_is_good_once(anybody: Api) -> None:
    code = make_login_code(phone="13800002210")
    exchange(anybody, code)

    again = exchange(anybody, code)

    assert again.status_code == 401
    assert error_of(again)["code"] == "login_code_refused"
    assert AuthToken.objects.count() == 1


@pytest.mark.django_db
def test_login_code_is_good_for_five_minutes(anybody: Api) -> None:
    with time_machine.travel(timezone.now() - timedelta(seconds=310)):
        code = make_login_code(phone="13800002210")

    assert error_of(exchange(anybody, code))["code"] == "login_code_refused"
    assert Customer.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["x", "a:b:c", "💥", "e30:1abcDE:xxxxxxxxxxxxxxxxxxxxxxx", "." * 1000])
def test_forged_login_code_is_refused(anybody: Api, code: str) -> None:
    response = exchange(anybody, code)

    assert response.status_code == 401
    assert error_of(response)["code"] == "login_code_refused"
    assert Customer.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("provider", ["wechat", "nobody"])
def test_provider_that_is_not_set_up_is_named(anybody: Api, provider: str) -> None:
    response = exchange(anybody, make_login_code(phone="13800002210"), provider=provider)

    assert response.status_code == 422
    assert error_of(response)["attr"] == "provider"


@pytest.mark.django_db
def test_sandbox_is_shut_where_another_platform_was_chosen(anybody: Api, settings: Any, client: Any) -> None:
    settings.CUSTOMER_SIGN_IN = "tests.api.test_sign_in.exchange_at_a_real_platform"
    settings.DEBUG = False

    sandbox = exchange(anybody, make_login_code(phone="13800002210"), provider="sandbox")
    chosen = exchange(anybody, "a code of theirs")

    assert sandbox.status_code == 422
    assert client.get("/sandbox/sign-in/").status_code == 404
    assert chosen.status_code == 200
    customer = Customer.objects.get()
    assert (customer.sign_in_provider, customer.open_id) == ("test_sign_in", "open-1")


def exchange_at_a_real_platform(login_code: str) -> Any:
    from identity.customer_sign_in import OutsidePerson

    assert login_code == "a code of theirs"
    return OutsidePerson(open_id="open-1", nickname="真人")


def test_sandbox_page_sends_back_with_a_code_behind_the_hash(town: Town, client: Any, anybody: Api) -> None:
    response = client.post(
        "/sandbox/sign-in/",
        {"phone": "１３８００００２２１０", "nickname": "小明", "return_to": "/h5/laozao/"},
    )

    back, code = response["Location"].split("#login_code=")
    assert (response.status_code, back) == (302, "/h5/laozao/")
    assert exchange(anybody, code.replace("%3A", ":")).json()["customer"]["phone_tail"] == "2210"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "return_to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "\\\\evil"]
)
def test_sandbox_page_sends_nobody_elsewhere(client: Any, return_to: str) -> None:
    response = client.post("/sandbox/sign-in/", {"phone": "13800002210", "return_to": return_to})

    assert response["Location"].startswith("/#login_code=")


@pytest.mark.django_db
@pytest.mark.parametrize("phone", ["", "123", "abc", "1" * 16])
def test_sandbox_page_wants_a_number(client: Any, phone: str) -> None:
    response = client.post("/sandbox/sign-in/", {"phone": phone, "return_to": "/"})

    assert response.status_code == 422


@pytest.fixture
def member(db: None) -> User:
    return User.objects.create_user(name="李娜", phone="+8613812342210", password=PASSWORD)


@pytest.mark.parametrize("phone", ["13812342210", "+8613812342210", "138 1234 2210"])
def test_staff_sign_in_by_phone_and_password(anybody: Api, member: User, phone: str) -> None:
    response = anybody.post("staff/sign-in/", {"phone": phone, "password": PASSWORD})

    assert response.status_code == 200
    assert response.json()["name"] == "李娜"
    assert Api(token=response.json()["token"]).get("staff/posts/").json() == {"results": []}


@pytest.mark.parametrize(
    ("phone", "password"),
    [("13812342210", "wrong"), ("13812342211", PASSWORD), ("13812342210", PASSWORD + " ")],
)
def test_wrong_phone_and_wrong_password_look_the_same(
    anybody: Api, member: User, phone: str, password: str
) -> None:
    response = anybody.post("staff/sign-in/", {"phone": phone, "password": password})

    assert response.status_code == 401
    assert error_of(response) == {
        "code": "sign_in_refused",
        "detail": "Phone or password is not right.",
        "attr": None,
        "next_step": "Check both; after many tries wait a minute.",
        "facts": {},
    }
    assert AuthToken.objects.count() == 0


@pytest.mark.parametrize("phone", ["x", "0", "１２３", "+", "💥", "+86", "138123422101111", "' OR 1=1 --"])
def test_phone_that_is_none_is_named(anybody: Api, db: None, phone: str) -> None:
    response = anybody.post("staff/sign-in/", {"phone": phone, "password": PASSWORD})

    assert response.status_code == 400
    assert (error_of(response)["code"], error_of(response)["attr"]) == ("not_a_phone", "phone")


def test_closed_account_gets_no_token_and_loses_its_old_one(anybody: Api, member: User) -> None:
    token = anybody.post("staff/sign-in/", {"phone": "13812342210", "password": PASSWORD}).json()["token"]
    User.objects.update(is_active=False)

    assert anybody.post("staff/sign-in/", {"phone": "13812342210", "password": PASSWORD}).status_code == 401
    assert Api(token=token).get("staff/posts/").status_code == 401


def test_account_with_a_second_factor_signs_in_in_the_browser(anybody: Api, member: User) -> None:
    Authenticator.objects.create(user=member, type="totp", data={"secret": "x"})

    response = anybody.post("staff/sign-in/", {"phone": "13812342210", "password": PASSWORD})
    wrong = anybody.post("staff/sign-in/", {"phone": "13812342210", "password": "wrong"})

    assert response.status_code == 403
    assert error_of(response)["code"] == "second_factor_needed"
    assert error_of(wrong)["code"] == "sign_in_refused"  # the factor is told to nobody who lacks the password
    assert AuthToken.objects.count() == 0


def test_guessing_is_slowed_down(anybody: Api, member: User) -> None:
    for _ in range(10):
        assert (
            anybody.post("staff/sign-in/", {"phone": "13812342210", "password": "wrong"}).status_code == 401
        )

    response = anybody.post("staff/sign-in/", {"phone": "13812342210", "password": PASSWORD})

    assert response.status_code == 429
    assert error_of(response)["code"] == "throttled"
    assert 0 < int(response["Retry-After"]) <= 60


def test_address_in_a_header_does_not_reset_the_count(anybody: Api, member: User) -> None:
    for number in range(10):
        anybody.post(
            "staff/sign-in/",
            {"phone": "13812342210", "password": "x"},
            **{"X-Forwarded-For": f"10.0.0.{number}"},
        )

    assert anybody.post("staff/sign-in/", {"phone": "13812342210", "password": "x"}).status_code == 429


def test_many_addresses_guess_no_faster_than_one(anybody: Api, member: User, monkeypatch: Any) -> None:
    limits = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    monkeypatch.setitem(limits, "staff_sign_in", "1000/min")  # as if each came from another address
    spellings = ["13812342210", "+86 138 1234 2210", "138-1234-2210"]
    for number in range(30):
        wrong = {"phone": spellings[number % 3], "password": "x"}
        assert anybody.post("staff/sign-in/", wrong).status_code == 401

    assert anybody.post("staff/sign-in/", {"phone": "13812342210", "password": PASSWORD}).status_code == 429
    assert anybody.post("staff/sign-in/", {"phone": "13812342219", "password": "x"}).status_code == 401


def test_signing_out_ends_this_token_only(customer: Api, town: Town) -> None:
    from tests.api.conftest import api_of

    other_device = api_of(town.customer.user)

    assert customer.post("sign-out/").status_code == 204
    assert customer.get("orders/").status_code == 401
    assert other_device.get("orders/").status_code == 200


def test_token_ends_by_itself(customer: Api) -> None:
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert customer.get("orders/").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token x",
        "Token a b",
        "Bearer x",
        "Token " + "0" * 64,
        "Token " + "é" * 64,
        "Token " + "0" * 9000,
    ],
)
def test_anything_but_a_token_is_401(header: str, db: None) -> None:
    response = Api().get("orders/", Authorization=header)

    assert response.status_code == 401
    assert error_of(response)["code"] in {"authentication_failed", "not_authenticated"}
    assert response["WWW-Authenticate"] == "Token"
