"""Recalls: a number shown and typed, every unused coupon locked and paid back, by job and in chunks."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.errors import Invalid
from core.invariants import check_invariants
from core.models import Job
from coupons.domain import recalls
from coupons.domain.placements import create_placement
from coupons.domain.recalls import (
    NothingToRecall,
    RecallNotConfirmed,
    RecallRunning,
    count_recallable,
    start_recall,
)
from coupons.domain.redemption_refusals import CouponRefunded, CouponRefundLocked
from coupons.domain.refunds import request_refund
from coupons.enums import CouponState, DealKind, DealState, Entrance, RecallState, RefundReason, RefundState
from coupons.models import Coupon, Deal, Order, Recall, Redemption, Refund, SandboxCharge
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town
from identity.models import AuditEvent

HOUR = timedelta(hours=1)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def sell(town, number, **more):
    """Coupons of one order, issued an hour ago."""
    coupons = town.buy(quantity=number, **more)
    Coupon.objects.filter(pk__in=[coupon.pk for coupon in coupons]).update(issued_at=timezone.now() - HOUR)
    return coupons


def recall(town, *, typed=None, deal=None, placement=None, **more):
    deal = deal or town.deal
    shown = count_recallable(deal=deal, placement=placement)
    values = {"words": "食材有问题，全部退款", "by": town.owner} | more
    return start_recall(
        deal=deal,
        placement=placement,
        shown=shown,
        typed=shown.coupons if typed is None else typed,
        **values,
    )


def finish():
    rounds = 0
    while run_due_jobs(kinds=["recall"]):
        rounds += 1
    return rounds


def test_every_unused_coupon_goes_back_and_no_other(town, monkeypatch):
    monkeypatch.setattr(recalls, "CHUNK", 2)
    *unused, used, returned = sell(town, 7)
    (other,) = sell(town, 1, deal=town.make_deal(title="别的套餐"))
    town.redeem(used.code)
    request_refund(coupon=returned, by=town.customer.user)

    shown = count_recallable(deal=town.deal)
    assert (shown.coupons, shown.amount_fen) == (5, 5 * 12_800)
    begun = recall(town)
    assert (begun.state, begun.expected_coupons, begun.expected_fen, begun.coupons) == (
        RecallState.RUNNING,
        5,
        64_000,
        0,
    )
    assert Deal.objects.get(pk=town.deal.pk).state == DealState.PAUSED
    assert finish() == 4, "two, two, one, and the one that finds none left"

    begun.refresh_from_db()
    assert (begun.state, begun.coupons, begun.voided, begun.amount_fen) == (RecallState.DONE, 5, 0, 64_000)
    with pytest.raises(CouponRefundLocked):
        town.redeem(unused[0].code)
    assert run_due_jobs(kinds=["pay_refund"]) == 6
    states = dict(Coupon.objects.values_list("pk", "state"))
    assert {states[one.pk] for one in unused} == {CouponState.REFUNDED}
    assert (states[used.pk], states[other.pk]) == (CouponState.REDEEMED, CouponState.ISSUED)
    with pytest.raises(CouponRefunded):
        town.redeem(unused[0].code)
    refunds = Refund.objects.filter(recall=begun)
    assert {(one.amount_fen, one.reason, one.state) for one in refunds} == {
        (12_800, RefundReason.RECALL, RefundState.PAID_OUT)
    }
    order = Order.objects.get(pk=used.order_id)
    assert order.refunded_fen == 6 * 12_800
    assert SandboxCharge.objects.get(reference=order.payments.get().reference).refunded_fen == 6 * 12_800
    assert town.deal.stock.sold == 6, "recalled pieces are not sold again; the one given back is"
    assert AuditEvent.objects.filter(verb="coupon.recalled").count() == 5
    settle_merchant(merchant_id=town.merchant.pk)
    assert check_invariants().broken == {}


def test_a_card_gets_back_what_it_did_not_use_and_a_gift_is_voided(town):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_000)
    card, _whole = sell(town, 2, deal=deal)
    town.redeem(card.code)
    (gift,) = sell(town, 1, deal=deal)
    gift.order.payments.all().delete()

    begun = recall(town, deal=deal)
    assert begun.expected_fen == 6_667 + 10_000 + 10_000
    finish()

    begun.refresh_from_db()
    assert (begun.coupons, begun.voided, begun.amount_fen) == (3, 1, 16_667)
    gift.refresh_from_db()
    assert gift.state == CouponState.VOIDED
    assert Redemption.objects.get().reversed_at is None


def test_only_what_came_by_one_link(town):
    placement = create_placement(deal=town.deal, entrance=Entrance.LIVE_CARD)
    order = town.order(quantity=2, placement=placement)
    town.pay(order)
    order.coupons.update(issued_at=timezone.now() - HOUR)
    (plain,) = sell(town, 1)

    begun = recall(town, placement=placement)
    finish()

    begun.refresh_from_db()
    plain.refresh_from_db()
    assert (begun.coupons, plain.state) == (2, CouponState.ISSUED)
    assert Deal.objects.get(pk=town.deal.pk).state == DealState.ONLINE, "others still buy it"
    with pytest.raises(Invalid):
        start_recall(
            deal=town.make_deal(),
            placement=placement,
            shown=count_recallable(deal=town.deal),
            typed=1,
            words="错了",
            by=town.owner,
        )


def test_what_was_sold_after_the_count_stays_and_what_was_used_meanwhile_is_used(town):
    first, second = sell(town, 2)
    shown = count_recallable(deal=town.deal)
    (later,) = town.buy()
    town.redeem(first.code)

    begun = start_recall(deal=town.deal, shown=shown, typed=2, words="停售退款", by=town.owner)
    finish()

    begun.refresh_from_db()
    assert (begun.expected_coupons, begun.coupons) == (1, 1)
    states = dict(Coupon.objects.values_list("pk", "state"))
    assert [states[one.pk] for one in (first, second, later)] == ["redeemed", "refund_locked", "issued"]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"typed": 1}, RecallNotConfirmed),
        ({"typed": 3}, RecallNotConfirmed),
        ({"typed": 0}, RecallNotConfirmed),
        ({"words": " "}, Invalid),
        ({"words": "很" * 201}, Invalid),
    ],
)
def test_refused_and_nothing_changed(town, change, refusal):
    sell(town, 2)
    with pytest.raises(refusal):
        recall(town, **change)
    assert_untouched(town)


def test_an_old_number_and_one_that_rose_are_refused(town):
    used, _other = sell(town, 2)
    old = recalls.Recallable(at=timezone.now() - timedelta(minutes=61), coupons=2, amount_fen=25_600)
    for shown in (old, recalls.Recallable(at=timezone.now() + HOUR, coupons=2, amount_fen=25_600)):
        with pytest.raises(RecallNotConfirmed):
            start_recall(deal=town.deal, shown=shown, typed=2, words="停售退款", by=town.owner)
    shown = count_recallable(deal=town.deal)
    fewer = recalls.Recallable(at=shown.at, coupons=1, amount_fen=12_800)
    with pytest.raises(RecallNotConfirmed):
        start_recall(deal=town.deal, shown=fewer, typed=1, words="停售退款", by=town.owner)
    assert_untouched(town)


def test_one_at_a_time_and_none_for_nothing(town):
    sell(town, 2)
    recall(town)
    with pytest.raises(RecallRunning):
        recall(town)
    finish()
    with pytest.raises(NothingToRecall):
        recall(town)
    assert Recall.objects.count() == 1


def test_a_chunk_that_dies_is_done_again_and_nothing_twice(town, monkeypatch):
    monkeypatch.setattr(recalls, "CHUNK", 1)
    sell(town, 2)
    begun = recall(town)

    def die(*args, **more):
        raise ConnectionError("killed before the commit")

    with monkeypatch.context() as patch:
        patch.setattr(recalls, "_ring", die)
        assert run_due_jobs(kinds=["recall"]) == 0
    begun.refresh_from_db()
    assert (begun.coupons, Refund.objects.count()) == (0, 0)
    Job.objects.filter(kind="recall").update(due_at=timezone.now() - HOUR)
    assert finish() == 3
    begun.refresh_from_db()
    assert (begun.coupons, begun.amount_fen, Refund.objects.count()) == (2, 25_600, 2)


def assert_untouched(town):
    assert (Recall.objects.count(), Refund.objects.count(), Job.objects.filter(kind="recall").count()) == (
        0,
        0,
        0,
    )
    assert set(Coupon.objects.values_list("state", flat=True)) == {CouponState.ISSUED}
    assert Deal.objects.get(pk=town.deal.pk).state == DealState.ONLINE
