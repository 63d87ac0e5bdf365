"""A customer's coupons through the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from core.domain.jobs import run_due_jobs
from coupons.models import Coupon, Order, Refund
from coupons.tests.town import Town
from tests.api.conftest import Api, error_of


def ids(api: Api, query: str = "") -> list[str]:
    return [coupon["id"] for coupon in api.get(f"coupons/{query}").json()["results"]]


def test_coupon_shows_its_code_qr_rules_and_stores(customer: Api, town: Town) -> None:
    (coupon,) = town.buy()

    listed = customer.get("coupons/").json()["results"][0]
    shown = customer.get(f"coupons/{coupon.pk}/").json()

    assert listed["code_masked"] == f"{coupon.code[:4]} **** {coupon.code[-4:]}"
    assert coupon.code not in str(listed)
    assert (shown["code"], shown["qr_payload"]) == (coupon.code, coupon.code)
    assert shown["qr_svg"].startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert (shown["state"], shown["refundable"], shown["uses_left"]) == ("issued", True, 1)
    assert (shown["price_fen"], shown["currency"]) == (12_800, "CNY")
    assert shown["valid_until"].endswith("T00:00:00+08:00")
    assert shown["rules"][0] == "Valid for 90 days after purchase"
    assert len(shown["stores"]) == 2
    assert (shown["uses"], shown["refund"]) == ([], None)


def test_coupon_of_somebody_else_is_not_there(
    customer: Api, stranger: Api, clerk: Api, anybody: Api, town: Town
) -> None:
    (coupon,) = town.buy()

    assert stranger.get(f"coupons/{coupon.pk}/").status_code == 404
    assert stranger.get(f"coupons/{coupon.pk}/").json() == stranger.get(f"coupons/{coupon.pk + 1}/").json()
    assert stranger.post(f"coupons/{coupon.pk}/refund/").status_code == 404
    assert ids(stranger) == []
    assert clerk.get(f"coupons/{coupon.pk}/").status_code == 403
    assert anybody.get(f"coupons/{coupon.pk}/").status_code == 401
    with scopes_disabled():
        assert Coupon.objects.get().state == "issued"


def test_used_coupon_says_when_and_where(customer: Api, town: Town) -> None:
    (coupon,) = town.buy()
    town.redeem(coupon.code)

    shown = customer.get(f"coupons/{coupon.pk}/").json()

    assert (shown["state"], shown["uses_left"], shown["refundable"]) == ("redeemed", 0, False)
    assert [(use["store"], use["use_no"]) for use in shown["uses"]] == [(town.store.name, 1)]


def test_refund_before_use_once(customer: Api, town: Town) -> None:
    first, second = town.buy(quantity=2)

    refunded = customer.post(f"coupons/{first.pk}/refund/")
    again = customer.post(f"coupons/{first.pk}/refund/")

    assert refunded.status_code == 200
    assert refunded.json()["state"] == "refund_locked"
    assert refunded.json()["refund"]["amount_fen"] == 12_800
    assert again.status_code == 409
    assert error_of(again)["code"] == "coupon_not_refundable"
    with scopes_disabled():
        assert Refund.objects.count() == 1
    run_due_jobs(kinds=["pay_refund"])
    shown = customer.get(f"coupons/{first.pk}/").json()
    assert (shown["state"], shown["refund"]["state"]) == ("refunded", "paid_out")
    assert customer.get(f"coupons/{second.pk}/").json()["state"] == "issued"
    assert customer.get(f"orders/{first.order_id}/").json()["refunded_fen"] == 12_800


def test_used_coupon_is_not_refunded(customer: Api, town: Town) -> None:
    (coupon,) = town.buy()
    town.redeem(coupon.code)

    response = customer.post(f"coupons/{coupon.pk}/refund/")

    assert response.status_code == 409
    with scopes_disabled():
        assert Refund.objects.count() == 0
        assert Coupon.objects.get().state == "redeemed"


def test_deal_without_refund_says_so(customer: Api, town: Town) -> None:
    (coupon,) = town.buy(deal=town.make_deal(refundable_before_use=False))

    assert customer.get(f"coupons/{coupon.pk}/").json()["refundable"] is False
    assert customer.post(f"coupons/{coupon.pk}/refund/").status_code == 409


def test_filter_by_state_counts_time(customer: Api, town: Town) -> None:
    used, fresh, over = (town.buy()[0] for _ in range(3))
    town.redeem(used.code)
    with scope(merchant=town.merchant.pk):
        Coupon.objects.filter(pk=over.pk).update(
            valid_from=timezone.now() - timedelta(days=2), valid_until=timezone.now() - timedelta(days=1)
        )

    assert ids(customer) == [str(coupon.pk) for coupon in (over, fresh, used)]
    assert ids(customer, "?state=issued") == [str(fresh.pk)]
    assert ids(customer, "?state=expired") == [str(over.pk)]
    assert ids(customer, "?state=redeemed") == [str(used.pk)]
    assert ids(customer, "?merchant=laozao&state=issued") == [str(fresh.pk)]
    assert ids(customer, "?merchant=other") == []
    assert customer.get(f"coupons/{over.pk}/").json()["state"] == "expired"


@pytest.mark.parametrize("count", [1, 3])
def test_coupon_list_costs_the_same_for_any_number(
    customer: Api, town: Town, count: int, django_assert_num_queries: Any
) -> None:
    town.buy(quantity=count)

    with django_assert_num_queries(3):
        assert len(ids(customer)) == count


def test_free_deal_is_paid_at_once(customer: Api, town: Town) -> None:
    deal = town.make_deal(price_fen=0)
    order = customer.post(
        "orders/", {"merchant": "laozao", "deal_id": str(deal.pk), "quantity": 1}, key="free-order-1"
    ).json()

    pay = customer.post(f"orders/{order['id']}/payment/")

    assert pay.json()["pay_url"] == f"http://testserver/h5/laozao/orders/{order['id']}/"
    assert customer.get(f"orders/{order['id']}/").json()["state"] == "paid"
    with scopes_disabled():
        assert Order.objects.get().coupons.count() == 1
