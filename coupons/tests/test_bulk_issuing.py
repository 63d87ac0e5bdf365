"""Minting for many orders at once: what paying one by one mints, once per order, and no collision loses anything."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone
from django_scopes import scopes_disabled

from core.invariants import check_invariants
from coupons.domain import bulk_issuing
from coupons.domain.bulk_issuing import mint_for_orders
from coupons.domain.codes import is_code, new_codes
from coupons.enums import DealKind
from coupons.models import Coupon, Order
from coupons.tests.town import make_town

SAME = (
    "merchant_id", "order_id", "deal_id", "customer_id", "price_fen", "uses_total", "uses_left", "state", "valid_from",
    "valid_until", "issued_at",
)  # fmt: skip


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def take_coupons_away(town):
    """Paid orders without coupons, and what paying had minted for them."""
    before = sorted(Coupon.objects.values_list(*SAME))
    Coupon.objects.all().delete()
    return before, list(Order.objects.order_by("id").values_list("pk", flat=True))


def test_they_are_what_paying_one_by_one_mints(town):
    at = timezone.now() - timedelta(days=3)
    town.buy(quantity=3)
    town.buy(quantity=2, at=at)
    town.buy(
        deal=town.make_deal(kind=DealKind.TIMES_CARD, uses_total=5, price_fen=9_999, valid_days=7), at=at
    )
    fixed = {"validity_kind": "fixed", "valid_days": None, "valid_from_date": at.date()}
    town.buy(deal=town.make_deal(**fixed, valid_until_date=at.date() + timedelta(days=60)))
    unpaid = town.order()
    before, orders = take_coupons_away(town)
    heard = []

    assert mint_for_orders(merchant=town.merchant, order_ids=orders, on_batch=heard.append) == 7

    assert sorted(Coupon.objects.values_list(*SAME)) == before
    assert all(is_code(code) for code in Coupon.objects.values_list("code", flat=True))
    assert heard == [7]
    assert not unpaid.coupons.exists()
    assert mint_for_orders(merchant=town.merchant, order_ids=orders) == 0
    assert check_invariants().broken == {}


def test_batches_that_were_written_stay_and_the_next_call_goes_on(town, monkeypatch):
    for _ in range(3):
        town.buy()
    before, orders = take_coupons_away(town)
    monkeypatch.setattr(bulk_issuing, "BATCH", 1)

    def stop(minted):
        if minted == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mint_for_orders(merchant=town.merchant, order_ids=orders, on_batch=stop)
    assert Coupon.objects.count() == 2

    assert mint_for_orders(merchant=town.merchant, order_ids=orders) == 1
    assert sorted(Coupon.objects.values_list(*SAME)) == before


def test_codes_that_are_taken_are_replaced_and_nothing_is_lost(town, monkeypatch):
    (taken,) = town.buy()
    town.buy(quantity=3)
    orders = [Order.objects.latest("id").pk]
    Coupon.objects.filter(order_id=orders[0]).delete()
    asked = []

    def first_codes(count):
        asked.append(count)
        fresh = new_codes(count)
        return [taken.code, *fresh[1:]] if len(asked) == 1 else fresh

    monkeypatch.setattr(bulk_issuing, "new_codes", first_codes)

    assert mint_for_orders(merchant=town.merchant, order_ids=orders) == 3

    assert asked == [3, 1]
    assert Coupon.objects.filter(order_id=orders[0]).count() == 3
    assert Coupon.objects.filter(code=taken.code).get() == taken


def test_where_every_code_is_taken_nothing_is_written(town, monkeypatch):
    (taken,) = town.buy()
    town.buy()
    order = Order.objects.latest("id")
    order.coupons.all().delete()
    monkeypatch.setattr(bulk_issuing, "new_codes", lambda count: [taken.code])
    monkeypatch.setattr(bulk_issuing, "_replace_taken", lambda merchant, codes: codes)

    with pytest.raises(IntegrityError):
        mint_for_orders(merchant=town.merchant, order_ids=[order.pk])

    assert not order.coupons.exists()


def test_orders_of_another_merchant_get_nothing(town):
    other = make_town(slug="other")
    other.buy()
    _, orders = take_coupons_away(other)
    assert mint_for_orders(merchant=town.merchant, order_ids=orders) == 0


def test_many_codes_are_distinct_and_carry_their_check_digit():
    codes = new_codes(5_000)
    assert len(set(codes)) == 5_000
    assert all(is_code(code) for code in codes)
    assert {len(code) for code in codes} == {15}
    assert len({code[:2] for code in codes}) == 100
