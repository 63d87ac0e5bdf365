"""Expiry: by itself, with the unused part going back where the deal promised it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from coupons.domain import redemption_refusals
from coupons.domain.expiry import expire_coupons
from coupons.enums import CouponState, DealKind, RefundReason
from coupons.models import Coupon, Refund, SandboxCharge
from coupons.settlement.domain.proofs import run_all_proofs
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town

LONG_AGO = timezone.now() - timedelta(days=30)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def test_an_expired_coupon_is_refunded_by_itself(town):
    (over,) = town.buy(deal=town.make_deal(valid_days=5), at=LONG_AGO)
    (live,) = town.buy()

    assert expire_coupons() == 1
    assert expire_coupons() == 0
    over.refresh_from_db()
    assert over.state == CouponState.REFUND_LOCKED
    with pytest.raises(redemption_refusals.CouponExpired):
        town.redeem(over.code)
    assert run_due_jobs(kinds=["pay_refund"]) == 1

    over.refresh_from_db()
    live.refresh_from_db()
    assert (over.state, live.state) == (CouponState.REFUNDED, CouponState.ISSUED)
    refund = Refund.objects.get()
    assert (refund.amount_fen, refund.reason) == (12_800, RefundReason.EXPIRY)
    settle_merchant(merchant_id=town.merchant.pk)
    assert not any(run_all_proofs().values())


def test_a_partly_used_card_gets_back_what_it_did_not_use(town):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000, valid_days=5)
    (card,) = town.buy(deal=deal, at=LONG_AGO)
    town.redeem(card.code, at=LONG_AGO)

    expire_coupons()
    run_due_jobs(kinds=["pay_refund"])

    assert Refund.objects.get().amount_fen == 6_667
    assert SandboxCharge.objects.get().refunded_fen == 6_667
    settle_merchant(merchant_id=town.merchant.pk)
    assert not any(run_all_proofs().values())


def test_without_the_promise_the_money_stays(town):
    town.buy(deal=town.make_deal(valid_days=5, refund_on_expiry=False), at=LONG_AGO)
    assert expire_coupons() == 1
    assert Coupon.objects.get().state == CouponState.EXPIRED
    assert Refund.objects.count() == 0
