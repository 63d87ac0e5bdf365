"""Expiry: by itself, with the unused part going back where the deal promised it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain import redemption_refusals
from coupons.domain.expiry import expire_coupons
from coupons.domain.payments import record_success, start_payment
from coupons.domain.refunds import CouponNotRefundable, request_refund
from coupons.domain.reversal import ReversalTooLate, reverse_redemptions
from coupons.enums import CouponState, DealKind, RefundReason
from coupons.models import Coupon, Payment, Redemption, Refund, SandboxCharge
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
    assert check_invariants().broken == {}


def test_a_partly_used_card_gets_back_what_it_did_not_use(town):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000, valid_days=5)
    (card,) = town.buy(deal=deal, at=LONG_AGO)
    town.redeem(card.code, at=LONG_AGO)

    expire_coupons()
    run_due_jobs(kinds=["pay_refund"])

    assert Refund.objects.get().amount_fen == 6_667
    assert SandboxCharge.objects.get().refunded_fen == 6_667
    settle_merchant(merchant_id=town.merchant.pk)
    assert check_invariants().broken == {}


def test_without_the_promise_the_money_stays(town):
    town.buy(deal=town.make_deal(valid_days=5, refund_on_expiry=False), at=LONG_AGO)
    assert expire_coupons() == 1
    assert Coupon.objects.get().state == CouponState.EXPIRED
    assert Refund.objects.count() == 0


def test_a_card_waits_while_its_last_use_may_be_undone(town):
    """Refunded first, the undone use would be paid for by the customer and owed to nobody."""
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000, valid_days=5)
    (card,) = town.buy(deal=deal, at=LONG_AGO)
    just_before = card.valid_until - timedelta(minutes=1)
    receipt = town.redeem(card.code, at=just_before)
    Redemption.objects.update(due_at=timezone.now() + timedelta(minutes=30))

    assert expire_coupons() == 0
    reverse_redemptions(merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk)
    assert expire_coupons() == 1
    run_due_jobs(kinds=["pay_refund"])

    assert Refund.objects.get().amount_fen == 10_000
    settle_merchant(merchant_id=town.merchant.pk)
    assert check_invariants().broken == {}


def test_a_coupon_past_its_time_is_given_back_only_where_expiry_gives_back(town):
    (kept,) = town.buy(deal=town.make_deal(valid_days=5, refund_on_expiry=False), at=LONG_AGO)
    (promised,) = town.buy(deal=town.make_deal(valid_days=5), at=LONG_AGO)

    with pytest.raises(CouponNotRefundable) as refused:
        request_refund(coupon=kept, by=town.customer.user)
    assert refused.value.facts == {"state": CouponState.EXPIRED}
    assert request_refund(coupon=promised, by=town.customer.user).amount_fen == 12_800

    kept.refresh_from_db()
    assert kept.state == CouponState.ISSUED
    assert Refund.objects.count() == 1


def test_a_use_is_not_undone_after_the_refund_that_counted_it(town):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000, valid_days=5)
    (card,) = town.buy(deal=deal, at=LONG_AGO)
    receipt = town.redeem(card.code, at=card.valid_until - timedelta(minutes=1))
    expire_coupons()
    Redemption.objects.update(due_at=timezone.now() + timedelta(minutes=30))

    with pytest.raises(ReversalTooLate):
        reverse_redemptions(merchant=town.merchant, redemption_ids=[receipt.redemptions[0].id], by=town.clerk)

    card.refresh_from_db()
    assert (card.state, card.uses_left) == (CouponState.REFUND_LOCKED, 2)
    assert Refund.objects.get().amount_fen == 6_667


def test_a_coupon_of_an_order_paid_twice_goes_back_where_its_money_came_from(town):
    order = town.order()
    first = start_payment(order=order).payment
    other = Payment.objects.create(
        merchant=town.merchant, order=order, provider="other", reference="PX", amount_fen=order.total_fen
    )
    assert record_success(payment=other, at=None) == "paid"
    assert town.pay(order) == "double"

    refund = request_refund(coupon=Coupon.objects.get(), by=town.customer.user)

    assert refund.payment_id == other.pk
    assert first.refunds.get().reason == RefundReason.DOUBLE_PAYMENT
