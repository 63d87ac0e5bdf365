"""Closing a store asks with figures: which usable coupons lose their only store, which can go elsewhere."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_scopes import scope

from coupons.domain.store_closing import CouponsOfStore, count_coupons_of_store
from coupons.enums import CouponState
from coupons.models import Coupon
from coupons.tests.town import make_town
from merchants.domain.stores import close_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return make_town()


def deal_of(town, *stores):
    deal = town.make_deal(all_stores=not stores)
    with scope(merchant=town.merchant.pk):
        deal.stores.set(stores)
    return deal


def test_coupons_are_counted_by_the_stores_of_their_orders(town):
    now = timezone.now()
    town.buy(deal=deal_of(town, town.store), quantity=3)
    town.buy(deal=deal_of(town, town.store, town.other_store), quantity=2)
    town.buy(deal=deal_of(town), quantity=4)
    town.buy(deal=deal_of(town, town.other_store), quantity=5)
    expired = town.buy(deal=deal_of(town, town.store), quantity=1)
    with scope(merchant=town.merchant.pk):
        Coupon.objects.filter(pk=expired[0].pk).update(
            valid_from=now - timedelta(days=9), valid_until=now - timedelta(days=1)
        )
    used = town.buy(deal=deal_of(town, town.store))
    town.redeem(used[0].code)
    with scope(merchant=town.merchant.pk):
        assert Coupon.objects.get(pk=used[0].pk).state == CouponState.REDEEMED

    assert count_coupons_of_store(store=town.store, at=now) == CouponsOfStore(only_here=3, elsewhere_too=6)

    close_store(store=town.other_store, by=town.owner)
    assert count_coupons_of_store(store=town.store, at=now) == CouponsOfStore(only_here=9, elsewhere_too=0)


def test_question_says_the_figures_to_owners_only(town):
    town.buy(deal=deal_of(town, town.store), quantity=3)
    path = f"/m/laozao/stores/{town.store.pk}/coupons/"
    client = Client(headers={"accept-language": "en"})
    client.force_login(town.owner)

    assert path in client.get(f"/m/laozao/stores/{town.store.pk}/close/").content.decode()
    assert "3 usable coupons are valid in no other open store." in client.get(path).content.decode()
    assert "<html" not in client.get(path, headers={"hx-request": "true"}).content.decode()
    client.force_login(town.clerk)
    assert client.get(path).status_code == 404
