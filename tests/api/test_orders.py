"""Buying through the API: placed once, paid by what the provider says, seen by nobody else."""

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scopes_disabled

from coupons.models import Coupon, DealStock, Order, PaymentNotification, Refund
from coupons.payment_providers.sandbox import get_charge, sign, signed_notification
from coupons.tests.town import Town, make_town, write_stock
from tests.api.conftest import Api, api_of, error_of, fresh_key


def wish(town: Town, **more: Any) -> dict[str, Any]:
    return {"merchant": town.merchant.slug, "deal_id": str(town.deal.pk), "quantity": 1} | more


def stock_of(town: Town) -> tuple[int, int]:
    with scopes_disabled():
        stock = DealStock.objects.get(pk=town.deal.pk)
    return stock.held, stock.sold


def orders_of(town: Town) -> int:
    with scopes_disabled():
        return Order.objects.filter(merchant=town.merchant).count()


def place(api: Api, town: Town, **more: Any) -> str:
    response = api.post("orders/", wish(town, **more), key=fresh_key())
    assert response.status_code == 201, response.content
    return response.json()["id"]


def notify(api: Api, town: Town, order_id: str, *, event_id: str, kind: str = "payment.succeeded") -> Any:
    """What the provider sends after the customer has gone to its cashier."""
    with scopes_disabled():
        reference = Order.objects.get(pk=order_id).payments.get().reference
    charge = get_charge(reference=reference)
    headers, body = signed_notification(
        charge=charge, kind=kind, event_id=event_id, occurred_at=timezone.now()
    )
    return api.post("payments/sandbox/notifications/", body, **headers)


def test_order_shows_amounts_in_fen_ids_as_text_and_local_time(customer: Api, town: Town) -> None:
    response = customer.post("orders/", wish(town, quantity=2), key=fresh_key())

    order = response.json()
    assert response.status_code == 201
    assert order["total_fen"] == 25_600
    assert order["unit_price_fen"] == 12_800
    assert order["currency"] == "CNY"
    assert order["deal_id"] == str(town.deal.pk)
    assert order["deal_title"] == "双人鸳鸯锅套餐"
    assert order["state"] == "created"
    assert order["seconds_left"] == 900
    assert order["placed_at"].endswith("+08:00")
    assert order["paid_at"] is None
    assert stock_of(town) == (2, 0)


def test_repeat_gets_the_first_answer_and_orders_once(customer: Api, town: Town) -> None:
    key = fresh_key()

    first = customer.post("orders/", wish(town), key=key)
    second = customer.post("orders/", wish(town), key=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert orders_of(town) == 1
    assert stock_of(town) == (1, 0)


def test_other_body_under_the_same_key_is_refused(customer: Api, town: Town) -> None:
    key = fresh_key()
    customer.post("orders/", wish(town), key=key)

    response = customer.post("orders/", wish(town, quantity=3), key=key)

    assert response.status_code == 422
    assert error_of(response)["code"] == "idempotency_key_reused"
    assert orders_of(town) == 1
    assert stock_of(town) == (1, 0)


def test_two_customers_may_use_the_same_key(customer: Api, stranger: Api, town: Town) -> None:
    key = fresh_key()

    answers = {api.post("orders/", wish(town), key=key).json()["id"] for api in (customer, stranger)}

    assert len(answers) == 2
    assert orders_of(town) == 2


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_missing"),
        ("short", "idempotency_key_invalid"),
        ("x" * 65, "idempotency_key_invalid"),
        ("with spaces in", "idempotency_key_invalid"),
        ("１２３４５６７８９", "idempotency_key_invalid"),
    ],
)
def test_order_needs_a_proper_key(customer: Api, town: Town, key: str | None, code: str) -> None:
    response = customer.post("orders/", wish(town), key=key)

    assert response.status_code == 400
    assert error_of(response)["code"] == code
    assert orders_of(town) == 0


def test_refused_order_keeps_no_answer_so_the_key_may_try_again(customer: Api, town: Town) -> None:
    key = fresh_key()
    with scopes_disabled():
        write_stock(town.deal, total=0)

    refused = customer.post("orders/", wish(town), key=key)
    with scopes_disabled():
        write_stock(town.deal, total=1)
    placed = customer.post("orders/", wish(town), key=key)

    assert refused.status_code == 409
    assert error_of(refused)["code"] == "sold_out"
    assert error_of(refused)["facts"] == {"left": 0}
    assert placed.status_code == 201


def test_limits_are_named(customer: Api, town: Town) -> None:
    deal = town.make_deal(per_order_limit=5, per_person_limit=3)
    body = wish(town, deal_id=str(deal.pk))

    over_order = customer.post("orders/", body | {"quantity": 6}, key=fresh_key())
    customer.post("orders/", body | {"quantity": 2}, key=fresh_key())
    over_person = customer.post("orders/", body | {"quantity": 2}, key=fresh_key())

    assert over_order.status_code == 422
    assert error_of(over_order)["code"] == "over_order_limit"
    assert error_of(over_order)["detail"] == "At most 5 in one order."
    assert over_person.status_code == 409
    assert error_of(over_person)["facts"] == {"limit": 3, "bought": 2}
    assert orders_of(town) == 1


@pytest.mark.parametrize("quantity", [0, -1, 1.0, "1", True, None, 10**30, "１"])
def test_quantity_is_a_whole_positive_number(customer: Api, town: Town, quantity: Any) -> None:
    response = customer.post("orders/", wish(town, quantity=quantity), key=fresh_key())

    assert response.status_code == 400
    assert error_of(response)["attr"] == "quantity"
    assert orders_of(town) == 0


@pytest.mark.parametrize(
    "deal_id", ["9" * 19, "9" * 40, "1" * 10_000, "０１２", "-1", "1e3", 12, None, [], "1\u0000"]
)
def test_deal_id_beyond_any_id_is_named(customer: Api, town: Town, deal_id: Any) -> None:
    response = customer.post("orders/", wish(town, deal_id=deal_id), key=fresh_key())

    assert response.status_code in {400, 404}
    assert error_of(response)["code"] in {"invalid", "null", "parse_error", "not_found"}
    assert orders_of(town) == 0


def test_deal_of_another_merchant_is_not_there(customer: Api, town: Town) -> None:
    other = make_town(slug="other", name="别家")

    response = customer.post("orders/", wish(town, deal_id=str(other.deal.pk)), key=fresh_key())

    assert response.status_code == 404
    assert orders_of(town) == orders_of(other) == 0


def test_strangers_see_no_order_and_cannot_touch_it(
    customer: Api, stranger: Api, clerk: Api, anybody: Api, town: Town
) -> None:
    order = place(customer, town)

    assert stranger.get(f"orders/{order}/").status_code == 404
    assert stranger.post(f"orders/{order}/payment/").status_code == 404
    assert stranger.post(f"orders/{order}/cancellation/").status_code == 404
    assert stranger.get("orders/").json()["results"] == []
    assert clerk.get(f"orders/{order}/").status_code == 403
    assert error_of(clerk.get("orders/"))["code"] == "customers_only"
    assert anybody.get(f"orders/{order}/").status_code == 401
    assert stock_of(town) == (1, 0)


def test_paid_order_has_coupons_once_however_often_it_is_told(
    customer: Api, anybody: Api, town: Town
) -> None:
    order = place(customer, town, quantity=2)
    pay = customer.post(f"orders/{order}/payment/")
    again = customer.post(f"orders/{order}/payment/")

    told = [notify(anybody, town, order, event_id="evt-1") for _ in range(3)]
    other_event = notify(anybody, town, order, event_id="evt-2")

    assert pay.status_code == 200
    assert pay.json() == again.json()
    assert pay.json()["pay_url"].endswith(f"/sandbox/pay/{pay.json()['reference']}/")
    assert [(r.status_code, r.json()["outcome"]) for r in told] == [
        (200, "paid"), (200, "duplicate"), (200, "duplicate"),
    ]  # fmt: skip
    assert other_event.json()["outcome"] == "stale"
    shown = customer.get(f"orders/{order}/").json()
    assert shown["state"] == "paid"
    assert shown["paid_fen"] == 25_600
    assert shown["seconds_left"] == 0
    assert len(shown["coupons"]) == 2
    assert stock_of(town) == (0, 2)


def test_failure_after_success_changes_nothing(customer: Api, anybody: Api, town: Town) -> None:
    order = place(customer, town)
    customer.post(f"orders/{order}/payment/")
    notify(anybody, town, order, event_id="evt-1")

    late_failure = notify(anybody, town, order, event_id="evt-0", kind="payment.failed")

    assert late_failure.json()["outcome"] == "stale"
    assert customer.get(f"orders/{order}/").json()["state"] == "paid"


def test_success_after_failure_is_money_all_the_same(customer: Api, anybody: Api, town: Town) -> None:
    order = place(customer, town)
    customer.post(f"orders/{order}/payment/")

    failed = notify(anybody, town, order, event_id="evt-0", kind="payment.failed")
    paid = notify(anybody, town, order, event_id="evt-1")

    assert (failed.json()["outcome"], paid.json()["outcome"]) == ("failed", "paid")
    assert customer.get(f"orders/{order}/").json()["state"] == "paid"


def test_payment_of_a_cancelled_order_goes_back(customer: Api, anybody: Api, town: Town) -> None:
    order = place(customer, town)
    customer.post(f"orders/{order}/payment/")
    cancelled = customer.post(f"orders/{order}/cancellation/")

    late = notify(anybody, town, order, event_id="evt-1")

    assert cancelled.json()["state"] == "closed"
    assert cancelled.json()["close_reason"] == "buyer"
    assert late.json()["outcome"] == "late"
    shown = customer.get(f"orders/{order}/").json()
    assert (shown["state"], shown["coupons"]) == ("closed", [])
    with scopes_disabled():
        assert Refund.objects.get().amount_fen == 12_800
    assert stock_of(town) == (0, 0)


def test_closed_order_is_neither_paid_nor_cancelled_again(customer: Api, town: Town) -> None:
    order = place(customer, town)
    customer.post(f"orders/{order}/cancellation/")

    pay = customer.post(f"orders/{order}/payment/")
    cancel = customer.post(f"orders/{order}/cancellation/")

    assert (pay.status_code, cancel.status_code) == (409, 409)
    assert error_of(pay)["code"] == error_of(cancel)["code"] == "order_not_open"
    assert stock_of(town) == (0, 0)


def _signed(body: bytes, *, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(at or time.time()))
    return {"X-Sandbox-Timestamp": timestamp, "X-Sandbox-Signature": sign(timestamp=timestamp, body=body)}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda headers, body: ({}, body), 403, "bad_signature"),
        (lambda headers, body: (headers | {"X-Sandbox-Signature": "0" * 64}, body), 403, "bad_signature"),
        (lambda headers, body: (headers | {"X-Sandbox-Signature": "签名"}, body), 403, "bad_signature"),
        (lambda headers, body: (headers, body.replace(b"12800", b"12801")), 403, "bad_signature"),
        (lambda headers, body: (_signed(body, at=time.time() - 3600), body), 403, "bad_signature"),
        (lambda headers, body: (_signed(b"not json"), b"not json"), 422, "invalid"),
        (lambda headers, body: (_signed(b"[]"), b"[]"), 422, "invalid"),
        (
            lambda headers, body: (_signed(b2 := body.replace(b"12800", b"1")), b2),
            409,
            "amount_differs",
        ),
    ],
)
def test_forged_or_broken_notification_changes_nothing(
    customer: Api, anybody: Api, town: Town, change: Any, status: int, code: str
) -> None:
    order = place(customer, town)
    reference = customer.post(f"orders/{order}/payment/").json()["reference"]
    headers, body = signed_notification(
        charge=get_charge(reference=reference),
        kind="payment.succeeded",
        event_id="evt-1",
        occurred_at=timezone.now(),
    )
    headers, body = change(headers, body)

    response = anybody.post("payments/sandbox/notifications/", body, **headers)

    assert response.status_code == status, response.content
    assert error_of(response)["code"] == code
    assert customer.get(f"orders/{order}/").json()["state"] == "created"
    assert PaymentNotification.objects.count() == 0
    with scopes_disabled():
        assert Coupon.objects.count() == 0


def test_notification_of_an_unknown_provider_is_not_there(anybody: Api, db: None) -> None:
    assert anybody.post("payments/nobody/notifications/", b"{}").status_code == 404


def test_return_url_must_be_on_this_site(customer: Api, town: Town) -> None:
    order = place(customer, town)

    outside = customer.post(f"orders/{order}/payment/", {"return_url": "https://evil.example/"})
    too_long = customer.post(f"orders/{order}/payment/", {"return_url": "/" + "ö" * 199})
    inside = customer.post(f"orders/{order}/payment/", {"return_url": "/h5/laozao/"})

    assert outside.status_code == 400
    assert error_of(outside)["code"] == "not_this_site"
    assert (too_long.status_code, error_of(too_long)["code"]) == (400, "max_length")
    assert inside.status_code == 200
    assert get_charge(reference=inside.json()["reference"]).return_url == "http://testserver/h5/laozao/"


@pytest.mark.django_db(transaction=True)
def test_order_is_placed_in_seven_statements() -> None:
    """From BEGIN to COMMIT; the whole request has two more, for the token and the shop."""
    town = make_town()
    api = api_of(town.customer.user)
    api.post("orders/", wish(town), key=fresh_key())

    with CaptureQueriesContext(connection) as queries:
        response = api.post("orders/", wish(town), key=fresh_key())

    assert response.status_code == 201
    statements = [str(query["sql"]) for query in queries]
    assert len(statements) == 8, "\n".join(statements)
    assert (statements[2], statements[-1]) == ("BEGIN", "COMMIT")
    assert len(statements[2:]) == 6
    assert not any("SAVEPOINT" in statement for statement in statements)


@pytest.mark.parametrize("count", [1, 3])
def test_order_list_costs_the_same_for_any_number(
    customer: Api, town: Town, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        place(customer, town)

    with django_assert_num_queries(3):
        response = customer.get("orders/")

    assert len(response.json()["results"]) == count


def test_order_list_filters_and_pages(customer: Api, town: Town) -> None:
    orders = [place(customer, town) for _ in range(3)]
    customer.post(f"orders/{orders[0]}/cancellation/")

    closed = customer.get("orders/?state=closed").json()["results"]
    first_page = customer.get("orders/?page_size=2").json()
    second_page = Api(token=customer.token).get(first_page["next"].split("/api/v1/")[1]).json()

    assert [order["id"] for order in closed] == [orders[0]]
    assert [order["id"] for order in first_page["results"]] == [orders[2], orders[1]]
    assert [order["id"] for order in second_page["results"]] == [orders[0]]
    assert second_page["next"] is None


@pytest.mark.parametrize("query", ["state=nonsense", "state=%00", "state="])
def test_unknown_filter_value_is_named(customer: Api, town: Town, query: str) -> None:
    response = customer.get(f"orders/?{query}")

    assert response.status_code == 400
    assert error_of(response)["attr"] == "state"


@pytest.mark.parametrize(
    "cursor", ["x", "cD0AMA==", "cD0xMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw==", "cD1hYmM=", "💥"]
)
def test_broken_page_link_is_named(customer: Api, town: Town, cursor: str) -> None:
    response = customer.get(f"orders/?cursor={cursor}")

    assert response.status_code == 404
    assert error_of(response)["code"] == "not_found"


@pytest.mark.parametrize("size", ["0", "51", "-1", "null", "", "1.5", "１", "9" * 400])
def test_page_size_outside_its_bounds_is_named(customer: Api, town: Town, size: str) -> None:
    response = customer.get(f"orders/?page_size={size}")

    assert response.status_code == 400
    assert error_of(response)["attr"] == "page_size"
