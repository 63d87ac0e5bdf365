"""A refund and a redemption of one coupon: never both, whoever is first."""

from functools import partial

import pytest

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain.redemption import Receipt
from coupons.domain.redemption_refusals import CouponAlreadyUsed, CouponRefundLocked
from coupons.domain.refunds import CouponNotRefundable, request_refund
from coupons.enums import CouponState, RefundState
from coupons.models import DealStock, Redemption, Refund
from coupons.payment_providers.sandbox import get_charge
from coupons.tests.town import Town
from tests.races.racing import count_codes, hold_against, race, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def test_a_redemption_held_open_refuses_the_refund(town: Town) -> None:
    (coupon,) = town.buy()
    result = hold_against(
        partial(town.redeem, coupon.code), partial(request_refund, coupon=coupon, by=town.owner)
    )
    assert result.second_waited
    assert (type(result.first), type(result.second)) == (Receipt, CouponNotRefundable)
    coupon.refresh_from_db()
    assert (coupon.state, Redemption.objects.count(), Refund.objects.count()) == (CouponState.REDEEMED, 1, 0)


def test_a_refund_held_open_refuses_the_redemption(town: Town) -> None:
    (coupon,) = town.buy()
    result = hold_against(
        partial(request_refund, coupon=coupon, by=town.owner), partial(town.redeem, coupon.code)
    )
    assert result.second_waited
    assert (type(result.first), type(result.second)) == (Refund, CouponRefundLocked)
    coupon.refresh_from_db()
    assert (coupon.state, Redemption.objects.count()) == (CouponState.REFUND_LOCKED, 0)
    run_due_jobs(kinds=["pay_refund"])
    assert get_charge(reference=Refund.objects.get().payment.reference).refunded_fen == 12_800
    assert check_invariants().broken == {}


def test_redeeming_and_refunding_at_once_one_wins_each_time(town: Town) -> None:
    coupons = [*town.buy(quantity=10), *town.buy(quantity=10)]
    used, refunded = race(
        [partial(town.redeem, coupon.code) for coupon in coupons],
        [partial(request_refund, coupon=coupon, by=town.owner) for coupon in coupons],
    )
    for coupon, use, refund in zip(coupons, used, refunded, strict=True):
        coupon.refresh_from_db()
        expected = {
            CouponState.REDEEMED: (Receipt, CouponNotRefundable),
            CouponState.REFUND_LOCKED: (CouponRefundLocked, Refund),
        }
        assert (type(use), type(refund)) == expected[coupon.state]
    assert Redemption.objects.count() + Refund.objects.count() == 20
    run_due_jobs(kinds=["pay_refund"])
    assert check_invariants().broken == {}


def test_a_refund_asked_for_eight_times_at_once_is_paid_once(town: Town) -> None:
    coupon, _other, _third = town.buy(
        quantity=3
    )  # of one payment, so that money for a second payout is there
    ask = partial(request_refund, coupon=coupon, by=town.owner)
    assert count_codes(race_once(*[ask] * 8)) == {"done": 1, "coupon_not_refundable": 7}
    race_once(*[partial(run_due_jobs, kinds=["pay_refund"])] * 8)
    refund = Refund.objects.get()
    assert refund.state == RefundState.PAID_OUT
    assert get_charge(reference=refund.payment.reference).refunded_fen == 12_800
    stock = DealStock.objects.get(deal=town.deal)
    assert (stock.held, stock.sold) == (0, 2)
    assert check_invariants().broken == {}


def test_a_coupon_redeemed_undone_and_refunded_by_many_ends_in_one_state(town: Town) -> None:
    (coupon,) = town.buy()
    answers = race_once(
        *[partial(town.redeem, coupon.code)] * 4, *[partial(request_refund, coupon=coupon, by=town.owner)] * 4
    )
    assert count_codes(answers)["done"] == 1
    kinds = {type(answer) for answer in answers}
    assert kinds in (
        {Receipt, CouponAlreadyUsed, CouponNotRefundable},
        {Refund, CouponRefundLocked, CouponNotRefundable},
    )
