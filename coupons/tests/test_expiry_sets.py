"""Expiry and paying out in sets: what one at a time would do, and one that cannot be done keeps no other waiting."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_jobs
from core.invariants import check_invariants
from core.models import Job
from core.money import part_of_uses
from coupons.domain import paying_out
from coupons.domain.expiry import expire_coupons
from coupons.enums import CouponState, DealKind, RefundState
from coupons.models import Coupon, Order, Payment, Refund, SandboxCharge
from coupons.payment_providers.sandbox import SandboxProvider
from coupons.settlement.domain.settlement import settle_merchant
from coupons.tasks import sweep_expired
from coupons.tests.town import make_town
from identity.models import AuditEvent

LONG_AGO = timezone.now() - timedelta(days=30)


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def buy_expired(town, quantity=1):
    return town.buy(deal=town.make_deal(valid_days=5), at=LONG_AGO, quantity=quantity)


def refund_jobs():
    return list(Job.objects.filter(kind="pay_refund").order_by("id").values_list("pk", flat=True))


def test_each_expired_coupon_leaves_a_refund_a_job_and_a_trace(town):
    coupons = buy_expired(town, quantity=3)

    assert expire_coupons(limit=2) == 2
    assert expire_coupons(limit=2) == 1

    refunds = {refund.coupon_id: refund for refund in Refund.objects.all()}
    assert set(refunds) == {coupon.pk for coupon in coupons}
    assert {(refund.amount_fen, refund.state) for refund in refunds.values()} == {
        (12_800, RefundState.APPROVED)
    }
    assert {job.payload["refund_id"] for job in Job.objects.filter(kind="pay_refund")} == {
        refund.pk for refund in refunds.values()
    }
    assert set(Job.objects.filter(kind="pay_refund").values_list("queue", flat=True)) == {"outside"}
    traces = AuditEvent.objects.filter(verb="coupon.expired")
    assert {trace.noun_id: trace.facts for trace in traces} == {pk: {"refund_fen": 12_800} for pk in refunds}


@pytest.mark.parametrize("used", [(1,), (2,), (1, 2), (3, 1)])
def test_parts_of_a_card_are_split_as_when_they_were_used(town, used):
    deal = town.make_deal(kind=DealKind.TIMES_CARD, uses_total=3, price_fen=10_001, valid_days=5)
    (card,) = town.buy(deal=deal, at=LONG_AGO)
    for _ in range(3 if 3 in used else max(used)):
        town.redeem(card.code, at=LONG_AGO)
    for redemption in card.redemptions.exclude(use_no__in=used):
        redemption.reversed_at = LONG_AGO
        redemption.save(update_fields=["reversed_at"])
    Coupon.objects.filter(pk=card.pk).update(uses_left=3 - len(used), state=CouponState.ISSUED)

    expire_coupons()

    assert Refund.objects.get().amount_fen == 10_001 - sum(part_of_uses(10_001, 3, use) for use in used)


def test_a_coupon_whose_payment_is_not_to_be_found_expires_and_is_named(town, caplog):
    (lost,) = buy_expired(town)
    (good,) = buy_expired(town)
    Payment.objects.filter(order=lost.order_id).update(state="created", succeeded_at=None)

    with caplog.at_level(logging.ERROR):
        assert expire_coupons() == 2

    assert set(Coupon.objects.values_list("pk", "state")) == {
        (lost.pk, CouponState.EXPIRED),
        (good.pk, CouponState.REFUND_LOCKED),
    }
    assert str(lost.pk) in caplog.text
    assert AuditEvent.objects.get(noun_id=lost.pk).facts == {"refund_impossible": 12_800}


def test_one_that_cannot_be_expired_keeps_no_other_waiting(town, caplog):
    """Its order's terms were damaged: the statement for all is refused, each half goes on alone."""
    bad, *good = [buy_expired(town)[0] for _ in range(5)]
    order = Order.objects.get(pk=bad.order_id)
    Order.objects.filter(pk=order.pk).update(terms=order.terms | {"refund_on_expiry": "perhaps"})

    skip = []
    assert expire_coupons(limit=5, skip=skip) == 4

    assert skip == [bad.pk]
    bad.refresh_from_db()
    assert bad.state == CouponState.ISSUED
    assert set(Refund.objects.values_list("coupon_id", flat=True)) == {coupon.pk for coupon in good}
    assert f"coupon {bad.pk} cannot be expired" in caplog.text


def test_a_sweep_goes_past_those_that_cannot_be_expired(town, monkeypatch):
    bad, good = buy_expired(town)[0], buy_expired(town)[0]
    order = Order.objects.get(pk=bad.order_id)
    Order.objects.filter(pk=order.pk).update(terms=order.terms | {"refund_on_expiry": "perhaps"})
    Coupon.objects.filter(pk=bad.pk).update(valid_until=bad.valid_until - timedelta(days=1))
    monkeypatch.setattr("coupons.tasks.expire_coupons", lambda skip: expire_coupons(limit=1, skip=skip))

    sweep_expired()

    good.refresh_from_db()
    assert good.state == CouponState.REFUND_LOCKED


def test_refunds_paid_in_a_set_are_what_they_are_one_by_one(town):
    coupons = buy_expired(town, quantity=3) + buy_expired(town)
    expire_coupons()

    assert run_jobs(job_ids=refund_jobs()) == 4
    assert run_jobs(job_ids=refund_jobs()) == 0

    assert set(Coupon.objects.values_list("state", flat=True)) == {CouponState.REFUNDED}
    assert set(Refund.objects.values_list("state", flat=True)) == {RefundState.PAID_OUT}
    assert dict(Order.objects.values_list("pk", "refunded_fen")) == {
        coupons[0].order_id: 38_400,
        coupons[3].order_id: 12_800,
    }
    assert sorted(SandboxCharge.objects.values_list("refunded_fen", flat=True)) == [12_800, 38_400]
    assert AuditEvent.objects.filter(verb="refund.paid_out").count() == 4
    settle_merchant(merchant_id=town.merchant.pk)
    assert check_invariants().broken == {}


def test_a_refund_the_provider_refuses_is_tried_alone_later(town, monkeypatch):
    buy_expired(town, quantity=3)
    expire_coupons()
    refused = Refund.objects.earliest("id")
    ask = SandboxProvider.refund

    def refuse_one(self, *, refund_key, **asked):
        if refund_key == str(refused.pk):
            raise ConnectionError("away")
        ask(self, refund_key=refund_key, **asked)

    monkeypatch.setattr(SandboxProvider, "refund", refuse_one)
    assert run_jobs(job_ids=refund_jobs()) == 2

    refused.refresh_from_db()
    assert (refused.state, refused.last_error) == (RefundState.FAILED, "ConnectionError('away')")
    monkeypatch.setattr(SandboxProvider, "refund", ask)
    Job.objects.update(due_at=LONG_AGO)
    assert run_jobs(job_ids=refund_jobs()) == 1
    assert SandboxCharge.objects.get().refunded_fen == 38_400


def test_a_slow_provider_gives_the_rest_of_the_set_to_others(town, monkeypatch):
    buy_expired(town, quantity=3)
    expire_coupons()
    monkeypatch.setattr(paying_out, "ASKING_SECONDS", -1)

    assert run_jobs(job_ids=refund_jobs()) == 0

    assert set(Job.objects.filter(kind="pay_refund").values_list("state", "attempts", "lease_until")) == {
        ("ready", 0, None)
    }
    assert SandboxCharge.objects.get().refunded_fen == 0


def test_asked_and_not_recorded_is_asked_again_and_paid_once(town, monkeypatch):
    """The worker died between the provider's answer and its own commit."""
    buy_expired(town, quantity=2)
    expire_coupons()
    with monkeypatch.context() as patch:
        patch.setattr(paying_out, "_record_many", lambda ids: 1 / 0)
        assert run_jobs(job_ids=refund_jobs()) == 0
    assert SandboxCharge.objects.get().refunded_fen == 25_600
    Job.objects.update(due_at=LONG_AGO)

    assert run_jobs(job_ids=refund_jobs()) == 2

    assert SandboxCharge.objects.get().refunded_fen == 25_600
    assert set(Refund.objects.values_list("state", flat=True)) == {RefundState.PAID_OUT}
