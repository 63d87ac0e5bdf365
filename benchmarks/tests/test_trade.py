"""The trade that bulk benchmarks lay by is one the product could have made."""

import pytest
from django_scopes import scopes_disabled

from benchmarks.trade import QUANTITY, fill_expired, fill_payments, fill_redeemed, fill_traders
from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain.bulk_issuing import mint_for_orders
from coupons.domain.expiry import expire_coupons
from coupons.models import Coupon, Order, Refund
from coupons.settlement.domain.settlement import settle_merchant
from coupons.settlement.models import SettlementLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def traders():
    with scopes_disabled():
        yield fill_traders(orders=9, shops=3, large_share=0.4)


def broken():
    """But for the days' sums, which redeeming keeps and filling does not."""
    return {name for name in check_invariants().broken if "day" not in name}


def test_orders_can_be_minted_for(traders):
    fill_payments(traders)
    for trader in traders:
        ids = list(Order.objects.filter(merchant=trader.shop.merchant).values_list("pk", flat=True))
        assert mint_for_orders(merchant=trader.shop.merchant, order_ids=ids) == QUANTITY * trader.orders
    assert [trader.orders for trader in traders] == [3, 3, 3]
    assert broken() == set()


def test_redemptions_can_be_settled(traders):
    fill_payments(traders)
    fill_redeemed()
    for trader in traders:
        assert settle_merchant(merchant_id=trader.shop.merchant.pk).lines == QUANTITY * trader.orders
    assert SettlementLine.objects.count() == 45
    assert broken() == set()


def test_coupons_can_expire_and_be_paid_back(traders):
    fill_payments(traders)
    fill_expired()
    assert expire_coupons() == 45
    assert run_due_jobs(kinds=["pay_refund"]) == 45
    assert set(Coupon.objects.values_list("state", flat=True)) == {"refunded"}
    assert set(Refund.objects.values_list("state", flat=True)) == {"paid_out"}
    for trader in traders:
        settle_merchant(merchant_id=trader.shop.merchant.pk)
    assert broken() == set()
