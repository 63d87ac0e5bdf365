"""Whatever comes in, the answer has one shape, a name and no 500."""

import json
from typing import Any

import pytest
from django.test import Client

from coupons.tests.town import Town
from tests.api.conftest import Api, error_of, fresh_key

DEEP = '{"a":' * 9 + "1" + "}" * 9
VERY_DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "required"),
        (b"{", 400, "parse_error"),
        (b"null", 400, "parse_error"),
        (b"[]", 400, "parse_error"),
        (b'"text"', 400, "parse_error"),
        (b"\xff\xfe", 400, "parse_error"),
        (b'{"merchant": NaN}', 400, "parse_error"),
        (b'{"quantity": ' + b"9" * 5000 + b"}", 400, "parse_error"),
        (b'{"merchant": "\\u0000"}', 400, "parse_error"),
        (b'{"merchant": "\\ud800"}', 400, "parse_error"),
        (b'{"\\u0000": 1}', 400, "parse_error"),
        (DEEP.encode(), 400, "parse_error"),
        (VERY_DEEP.encode(), 413, "body_too_large"),
        (VERY_DEEP[:60_000].encode(), 400, "parse_error"),
        (b'{"a": "' + b"x" * 70_000 + b'"}', 413, "body_too_large"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_body_that_is_no_order_is_named(customer: Api, body: bytes, status: int, code: str) -> None:
    response = customer.post("orders/", body, key=fresh_key())

    assert response.status_code == status
    assert code in {error["code"] for error in response.json()["errors"]}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "x",
        "",
    ],
)
def test_other_content_types_are_refused(customer: Api, content_type: str) -> None:
    response = Client().post(
        "/api/v1/orders/",
        data=b"{}",
        content_type=content_type,
        headers={"Authorization": f"Token {customer.token}", "Idempotency-Key": fresh_key()},
    )

    assert response.status_code == 415
    assert error_of(response)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "bz2_codec", "nonsense", '"utf-8'])
def test_charset_changes_nothing(customer: Api, town: Town, charset: str) -> None:
    body = {"merchant": "laozao", "deal_id": str(town.deal.pk), "quantity": 1}
    response = Client().generic(
        "POST",
        "/api/v1/orders/",
        json.dumps(body).encode(),
        content_type=f"application/json; charset={charset}",
        headers={"Authorization": f"Token {customer.token}", "Idempotency-Key": fresh_key()},
    )

    assert response.status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/api/", "/api/v1/", "/api/v2/", "/api/v1/nothing/", "/api/v1/orders", "/api/v1/orders/abc/", "/api/v1/orders/0/",
        "/api/v1/orders/-1/", "/api/v1/orders/9223372036854775808/", "/api/v1/orders/１２/", "/api/v1/orders/%00/",
        "/api/v1/deals/" + "9" * 5000 + "/", "/api/v1/merchants/%00/", "/api/v1/merchants/a%0Ab/", "/api/v1/coupons/%C2%84/refund/", "/api/v1/a%0Ab",
    ],
)  # fmt: skip
def test_path_that_leads_nowhere_is_404_in_json(customer: Api, path: str) -> None:
    for method in ("get", "post"):
        response = getattr(Client(enforce_csrf_checks=True), method)(
            path, headers={"Authorization": f"Token {customer.token}"}
        )

        assert response.status_code == 404
        assert response["Content-Type"] == "application/json"
        assert error_of(response)["code"] == "not_found"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_method_that_is_not_there_is_405(customer: Api, method: str) -> None:
    response = getattr(Client(), method)(
        "/api/v1/orders/", headers={"Authorization": f"Token {customer.token}"}
    )

    assert response.status_code == 405
    assert error_of(response)["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_other_formats_are_406(customer: Api) -> None:
    response = customer.get("orders/", Accept="text/html")

    assert response.status_code == 406
    assert error_of(response)["code"] == "not_acceptable"


def test_errors_speak_the_readers_language(town: Town) -> None:
    chinese, english = (Api(language=language).get("orders/") for language in ("zh-CN,zh;q=0.9", "en-GB"))

    assert error_of(chinese)["code"] == error_of(english)["code"] == "not_authenticated"
    assert error_of(chinese)["next_step"] != error_of(english)["next_step"]


def test_bug_is_a_500_in_the_same_shape_and_tells_nothing(
    customer: Api, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("coupons.api.orders.access_own_orders", broken)
    settings.DEBUG = True

    response = Client(raise_request_exception=False).get(
        "/api/v1/orders/", headers={"Authorization": f"Token {customer.token}"}
    )

    assert response.status_code == 500
    assert error_of(response)["code"] == "error"
    assert b"secret" not in response.content


def test_shop_sells_with_redis_down(customer: Api, town: Town, settings: Any) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}

    response = customer.post(
        "orders/", {"merchant": "laozao", "deal_id": str(town.deal.pk), "quantity": 1}, key=fresh_key()
    )

    assert response.status_code == 201


def test_docs_page_and_schema_are_served(client: Client) -> None:
    page = client.get("/api/docs/")
    schema = client.get("/api/v1/schema/?format=json")

    assert page.status_code == 200
    assert b"swagger-ui" in page.content
    assert schema.status_code == 200
