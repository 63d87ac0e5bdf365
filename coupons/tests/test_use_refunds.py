"""Refunds of uses: asked for and decided, by people or by the clock; given by the merchant; paid back once."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.errors import Invalid
from core.invariants import check_invariants
from core.models import Job
from coupons.domain.expiry import expire_coupons
from coupons.domain.refunds import request_refund
from coupons.domain.reversal import reverse_redemptions
from coupons.domain.use_refunds import (
    AmountAboveUse,
    RefundAskedBefore,
    RefundDecided,
    RefundTooLate,
    UndoFirst,
    UseNotRefundable,
    agree_overdue,
    approve_refund,
    refund_use,
    reject_refund,
    request_refund_of_use,
)
from coupons.enums import CouponState, DealKind, RefundReason, RefundState
from coupons.models import Coupon, DealPurchase, Order, Redemption, Refund, SandboxCharge
from coupons.payment_providers.sandbox import SandboxProvider
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tests.town import make_town
from identity.models import AuditEvent

YESTERDAY = timedelta(days=1)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def use(town, *, ago=YESTERDAY, uses=1, **more):
    """A coupon of which one use was redeemed so long ago."""
    at = timezone.now() - ago
    deal = town.deal
    if uses > 1:
        deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=uses, price_fen=10_000, **more)
    (coupon,) = town.buy(deal=deal, at=at)
    town.redeem(coupon.code, at=at)
    return Redemption.objects.get(coupon=coupon)


def ask(town, redemption, **more):
    values = {"cause": "quality", "words": "锅底是凉的", "by": town.customer.user} | more
    return request_refund_of_use(redemption=redemption, **values)


def give(town, redemption, **more):
    values = {"amount_fen": 12_800, "cause": "quality", "reason": "菜凉了，抱歉", "by": town.owner} | more
    return refund_use(redemption=redemption, **values)


def pay():
    return run_due_jobs(kinds=["pay_refund"])


def assert_sound(town):
    settle_merchant(merchant_id=town.merchant.pk)
    assert check_invariants().broken == {}


def test_a_customer_asks_and_the_merchant_agrees(town):
    redemption = use(town)

    refund = ask(town, redemption)

    assert (refund.state, refund.reason) == (RefundState.REQUESTED, RefundReason.AFTER_USE)
    assert (refund.amount_fen, refund.asked_fen, refund.cause, refund.words) == (
        12_800,
        12_800,
        "quality",
        "锅底是凉的",
    )
    assert refund.review_due_at - refund.requested_at == timedelta(hours=24)
    job = Job.objects.get(kind="review_refund", key=str(refund.pk))
    assert job.due_at == refund.review_due_at
    assert pay() == 0, "nothing is paid before it is decided"
    assert SandboxCharge.objects.get().refunded_fen == 0

    approve_refund(refund=refund, by=town.owner)
    assert Order.objects.get().refunded_fen == 0, "nothing is counted before the provider says so"
    assert pay() == 1

    refund.refresh_from_db()
    assert (refund.state, refund.decided_by, refund.amount_fen) == (RefundState.PAID_OUT, town.owner, 12_800)
    assert (SandboxCharge.objects.get().refunded_fen, Order.objects.get().refunded_fen) == (12_800, 12_800)
    assert Coupon.objects.get().state == CouponState.REDEEMED, "what was used stays used"
    assert town.deal.stock.sold == 1, "a use that was refunded is not sold again"
    assert DealPurchase.objects.get().quantity == 1
    assert list(AuditEvent.objects.filter(noun="refund").order_by("id").values_list("verb", flat=True)) == [
        "refund.requested",
        "refund.approved",
        "refund.paid_out",
    ]
    assert_sound(town)


def test_the_merchant_agrees_to_a_part_and_says_why(town):
    refund = ask(town, use(town))

    with pytest.raises(Invalid):
        approve_refund(refund=refund, by=town.owner, amount_fen=5_000)
    for wrong in (0, -1, 12_801):
        with pytest.raises(AmountAboveUse):
            approve_refund(refund=refund, by=town.owner, amount_fen=wrong, reason="只有锅底凉了")
    refund.refresh_from_db()
    assert (refund.state, refund.amount_fen) == (RefundState.REQUESTED, 12_800)
    approve_refund(refund=refund, by=town.owner, amount_fen=5_000, reason="只有锅底凉了")
    pay()

    refund.refresh_from_db()
    assert (refund.state, refund.amount_fen, refund.asked_fen) == (RefundState.PAID_OUT, 5_000, 12_800)
    assert refund.decision_reason == "只有锅底凉了"
    assert SandboxCharge.objects.get().refunded_fen == 5_000
    assert_sound(town)


def test_a_rejection_needs_a_reason_and_moves_no_money(town):
    redemption = use(town)
    refund = ask(town, redemption)

    for empty in ("", "  ", "不", "很" * 201):
        with pytest.raises(Invalid):
            reject_refund(refund=refund, by=town.owner, reason=empty)
    reject_refund(refund=refund, by=town.owner, reason="已当场换新锅底")

    refund.refresh_from_db()
    assert (refund.state, refund.decision_reason) == (RefundState.REJECTED, "已当场换新锅底")
    assert pay() == 0
    with pytest.raises(RefundAskedBefore):
        ask(town, redemption)
    with pytest.raises(RefundDecided):
        approve_refund(refund=refund, by=town.owner)
    given = give(town, redemption, amount_fen=3_000)
    pay()
    given.refresh_from_db()
    assert (given.state, SandboxCharge.objects.get().refunded_fen) == (RefundState.PAID_OUT, 3_000)
    with pytest.raises(RefundAskedBefore):
        give(town, redemption)
    assert_sound(town)


def test_after_a_day_the_clock_agrees(town):
    refund = ask(town, use(town, ago=timedelta(days=3)), at=timezone.now() - timedelta(hours=24, seconds=1))

    with pytest.raises(RefundDecided):
        reject_refund(refund=refund, by=town.owner, reason="来不及了")
    with pytest.raises(RefundDecided):
        approve_refund(refund=refund, by=town.owner, amount_fen=1, reason="来不及了")
    assert run_due_jobs(kinds=["review_refund"]) == 1
    pay()

    refund.refresh_from_db()
    assert (refund.state, refund.decided_by, refund.amount_fen) == (RefundState.PAID_OUT, None, 12_800)
    assert_sound(town)


def test_before_the_day_is_over_the_clock_does_nothing(town):
    refund = ask(town, use(town, ago=timedelta(days=3)), at=timezone.now() - timedelta(hours=23, minutes=59))
    assert (run_due_jobs(kinds=["review_refund"]), agree_overdue()) == (0, 0)
    refund.refresh_from_db()
    assert refund.state == RefundState.REQUESTED


def test_a_lost_job_of_a_review_is_made_up_for(town):
    refund = ask(town, use(town, ago=timedelta(days=3)), at=timezone.now() - timedelta(hours=24, seconds=200))
    Job.objects.filter(kind="review_refund").delete()
    assert "every_open_review_has_its_job" in check_invariants().broken

    assert (agree_overdue(), agree_overdue()) == (1, 0)

    refund.refresh_from_db()
    assert (refund.state, pay()) == (RefundState.APPROVED, 1)
    assert_sound(town)


def test_the_job_of_a_decided_review_does_nothing(town):
    refund = ask(town, use(town))
    reject_refund(refund=refund, by=town.owner, reason="已当场换新锅底")
    Job.objects.filter(kind="review_refund").update(due_at=timezone.now() - timedelta(seconds=1))
    assert run_due_jobs(kinds=["review_refund"]) == 1
    refund.refresh_from_db()
    assert refund.state == RefundState.REJECTED


def test_inside_the_undo_window_the_next_step_is_to_undo(town):
    redemption = use(town, ago=timedelta(minutes=59))
    for step in (ask, give):
        with pytest.raises(UndoFirst) as refused:
            step(town, redemption)
        assert refused.value.facts == {"undo_until": redemption.due_at.isoformat()}
    assert Refund.objects.count() == 0
    reverse_redemptions(merchant=town.merchant, redemption_ids=[redemption.pk], by=town.clerk)
    request_refund(coupon=redemption.coupon, by=town.customer.user)
    pay()
    assert SandboxCharge.objects.get().refunded_fen == 12_800


def test_thirty_days_after_the_use_it_is_over(town):
    last = use(town, ago=timedelta(days=30) - timedelta(minutes=1))
    over = use(town, ago=timedelta(days=30, minutes=1))
    for step in (ask, give):
        with pytest.raises(RefundTooLate):
            step(town, over)
    assert ask(town, last).state == RefundState.REQUESTED


def test_what_was_undone_or_cost_nothing_is_not_refunded(town):
    undone = use(town, ago=timedelta(minutes=30))
    reverse_redemptions(merchant=town.merchant, redemption_ids=[undone.pk], by=town.clerk)
    (gift,) = town.buy(deal=town.make_deal(price_fen=0, list_price_fen=100))
    town.redeem(gift.code)
    for redemption in (undone, Redemption.objects.get(coupon=gift)):
        for step in (ask, give):
            with pytest.raises(UseNotRefundable):
                step(town, redemption)
    assert Refund.objects.count() == 0


def test_each_use_of_a_card_is_refunded_by_itself_and_the_rest_on_expiry(town):
    first = use(town, uses=3, ago=timedelta(days=6), valid_days=5)
    town.redeem(first.coupon.code, at=timezone.now() - timedelta(days=5))
    second = Redemption.objects.get(use_no=2)

    give(town, first, amount_fen=3_333)
    ask(town, second)
    with pytest.raises(RefundAskedBefore):
        give(town, second, amount_fen=1)
    expire_coupons()
    pay()
    assert SandboxCharge.objects.get().refunded_fen == 3_333 + 3_334
    assert Coupon.objects.get().state == CouponState.REFUNDED
    approve_refund(refund=Refund.objects.get(redemption=second), by=town.owner)
    pay()

    assert SandboxCharge.objects.get().refunded_fen == 10_000
    assert Order.objects.get().refunded_fen == 10_000
    assert_sound(town)


def test_a_refunded_use_leaves_the_rest_of_the_card_usable(town):
    first = use(town, uses=3)
    give(town, first, amount_fen=3_333)
    pay()
    assert town.redeem(first.coupon.code).redemptions[0].use_no == 2


def test_a_failing_provider_is_asked_again_and_pays_once(town, monkeypatch):
    refund = give(town, use(town))
    asked, ask_provider = [], SandboxProvider.refund

    def answer_lost(self, **call):
        asked.append(call["refund_key"])
        if len(asked) == 2:  # it pays, and its answer is lost
            ask_provider(self, **call)
        if len(asked) < 4:
            raise ConnectionError("the provider is away")
        ask_provider(self, **call)

    monkeypatch.setattr(SandboxProvider, "refund", answer_lost)
    for _ in range(3):
        assert pay() == 0
        refund.refresh_from_db()
        assert (refund.state, Order.objects.get().refunded_fen) == (RefundState.FAILED, 0)
        Job.objects.filter(kind="pay_refund").update(due_at=timezone.now() - YESTERDAY)
    assert pay() == 1

    refund.refresh_from_db()
    assert (refund.state, refund.last_error, asked) == (RefundState.PAID_OUT, "", [str(refund.pk)] * 4)
    assert (SandboxCharge.objects.get().refunded_fen, Order.objects.get().refunded_fen) == (12_800, 12_800)
    assert_sound(town)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE coupons_refund SET asked_fen = 12801, amount_fen = 12801",
        "UPDATE coupons_refund SET amount_fen = 0",
        "UPDATE coupons_refund SET reason = 'customer'",
        "UPDATE coupons_refund SET state = 'rejected'",
        "UPDATE coupons_redemption SET reversed_at = now()",
        "UPDATE coupons_refund SET order_id = (SELECT max(id) FROM coupons_order)",
        "INSERT INTO coupons_refund (merchant_id, order_id, payment_id, coupon_id, redemption_id, amount_fen, asked_fen,"
        " reason, state, approved_at, last_error) SELECT merchant_id, order_id, payment_id, coupon_id, redemption_id, 1, 1,"
        " 'after_use', 'approved', now(), '' FROM coupons_refund",
        "INSERT INTO coupons_refund (merchant_id, order_id, payment_id, coupon_id, amount_fen, reason, state, approved_at,"
        " last_error) SELECT merchant_id, order_id, payment_id, coupon_id, 1, 'expiry', 'approved', now(), ''"
        " FROM coupons_refund",
    ],
)
def test_the_database_itself_refuses(town, change):
    give(town, use(town))
    town.buy()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert (Refund.objects.get().amount_fen, Redemption.objects.get().reversed_at) == (12_800, None)
