"""A use is given back once, whoever asks, decides or undoes at the same moment; a recall and a counter never both win."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from core.domain.jobs import run_due_jobs
from core.models import Job
from coupons.domain import recalls, use_refunds
from coupons.domain.recalls import count_recallable, start_recall
from coupons.domain.redemption import Receipt
from coupons.domain.redemption_refusals import CouponRefundLocked
from coupons.domain.use_refunds import (
    RefundAskedBefore,
    RefundDecided,
    agree_overdue,
    approve_refund,
    pass_deadline,
    refund_use,
    reject_refund,
    request_refund_of_use,
)
from coupons.enums import CouponState, RefundState
from coupons.models import Coupon, Recall, Redemption, Refund
from coupons.payment_providers.sandbox import get_charge
from coupons.tests.town import Town
from tests.races.racing import Held, count_codes, hold_against, outcome, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
DAY = timedelta(days=1)


def use(town: Town, *, pieces: int = 1) -> Redemption:
    """The first of so many coupons of one payment, so that money for a second payout is there."""
    at = timezone.now() - 3 * DAY
    first, *_others = town.buy(quantity=pieces, at=at)
    town.redeem(first.code, at=at)
    return Redemption.objects.get(coupon=first)


def give(town: Town, redemption: Redemption) -> Any:
    return partial(
        refund_use, redemption=redemption, amount_fen=12_800, cause="quality", reason="sorry", by=town.owner
    )


def ask(town: Town, redemption: Redemption, **more: Any) -> Any:
    return partial(
        request_refund_of_use, redemption=redemption, cause="quality", by=town.customer.user, **more
    )


def given_back(refund: Refund) -> int:
    return get_charge(reference=refund.payment.reference).refunded_fen


def test_eight_hands_on_one_use_give_it_back_once(town: Town) -> None:
    redemption = use(town, pieces=3)
    answers = race_once(*[give(town, redemption)] * 4, *[ask(town, redemption)] * 4)
    assert count_codes(answers) == {"done": 1, "refund_asked_before": 7}
    refund = Refund.objects.get()
    outcome(partial(approve_refund, refund=refund, by=town.owner))
    race_once(*[partial(run_due_jobs, kinds=["pay_refund"])] * 8)
    refund.refresh_from_db()
    assert (refund.state, given_back(refund)) == (RefundState.PAID_OUT, 12_800)


def test_without_the_coupons_lock_the_database_is_the_last_to_refuse(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: with the lock put aside both pass the question, and only the unique key is left."""
    redemption = use(town, pieces=3)
    monkeypatch.setattr(use_refunds, "_lock_coupon", lambda coupon_id: None)
    with pytest.raises(IntegrityError, match="refund_once_per_use"):
        hold_against(give(town, redemption), give(town, redemption))
    assert Refund.objects.count() == 1


def test_a_request_held_open_makes_the_merchant_wait_and_refuses_him(town: Town) -> None:
    redemption = use(town)
    result = hold_against(ask(town, redemption), give(town, redemption))
    assert result.second_waited
    assert (type(result.first), type(result.second)) == (Refund, RefundAskedBefore)


def test_agreeing_rejecting_and_the_clock_at_once_one_decides(town: Town) -> None:
    refund = ask(town, use(town))()
    Refund.objects.update(review_due_at=timezone.now() - timedelta(minutes=10))
    refund.refresh_from_db()
    job = Job.objects.get(kind="review_refund")
    answers = race_once(
        partial(approve_refund, refund=refund, by=town.owner),
        partial(reject_refund, refund=refund, by=town.owner, reason="no"),
        partial(pass_deadline, job),
        agree_overdue,
    )
    refund.refresh_from_db()
    assert refund.state == RefundState.APPROVED
    assert isinstance(answers[1], RefundDecided)
    assert Job.objects.filter(kind="pay_refund").count() == 1
    run_due_jobs(kinds=["pay_refund"])
    assert given_back(refund) == 12_800


def test_agreeing_and_rejecting_at_once_one_decides(town: Town) -> None:
    refund = ask(town, use(town))()
    result = hold_against(
        partial(reject_refund, refund=refund, by=town.owner, reason="no"),
        partial(approve_refund, refund=refund, by=town.owner),
    )
    assert result.second_waited
    assert (type(result.first), type(result.second)) == (Refund, RefundDecided)
    refund.refresh_from_db()
    assert refund.state == RefundState.REJECTED
    assert Job.objects.filter(kind="pay_refund").count() == 0


def test_a_recall_leaves_what_a_counter_holds_and_comes_back_for_it(town: Town) -> None:
    ((held,), (free,)) = town.buy(), town.buy()
    recall = start_recall(
        deal=town.deal, shown=count_recallable(deal=town.deal), typed=2, words="recalled", by=town.owner
    )
    with Held(partial(town.redeem, held.code)) as counter:
        assert run_due_jobs(kinds=["recall"]) == 1, "takes the free one"
        assert run_due_jobs(kinds=["recall"]) == 1, "waits for nobody: the other one is asked for again later"
        assert run_due_jobs(kinds=["recall"]) == 0
        assert type(counter.answer) is Receipt
    Job.objects.filter(kind="recall").update(due_at=timezone.now() - DAY)
    assert run_due_jobs(kinds=["recall"]) == 1
    states = dict(Coupon.objects.values_list("pk", "state"))
    assert (states[held.pk], states[free.pk]) == (CouponState.REDEEMED, CouponState.REFUND_LOCKED)
    recall.refresh_from_db()
    assert (recall.state, recall.coupons) == ("done", 1)


def test_a_recall_and_eight_counters_each_coupon_has_one_end(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalls, "CHUNK", 3)
    coupons = town.buy(quantity=8)
    start_recall(
        deal=town.deal, shown=count_recallable(deal=town.deal), typed=8, words="recalled", by=town.owner
    )
    *answers, _recalled = race_once(
        *[partial(town.redeem, coupon.code) for coupon in coupons], partial(run_due_jobs, kinds=["recall"])
    )
    while run_due_jobs(kinds=["recall"]):
        pass
    used = sum(isinstance(answer, Receipt) for answer in answers)
    assert {type(answer) for answer in answers} <= {Receipt, CouponRefundLocked}
    recall = Recall.objects.get()
    assert recall.coupons == 8 - used == Refund.objects.count()
    assert Coupon.objects.filter(state=CouponState.REDEEMED).count() == used
