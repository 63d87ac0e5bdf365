"""Orders and payments: stock, limits, closing, and money that comes late, twice, out of order or forged."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.errors import Invalid, NotFound
from core.models import Job
from coupons.domain import orders
from coupons.domain.orders import close_order
from coupons.domain.payments import AmountDiffers, UnknownReference, receive_notification, start_payment
from coupons.domain.refunds import CouponNotRefundable, request_refund
from coupons.enums import CouponState, DealState, OrderCloseReason, OrderState, RefundReason, RefundState
from coupons.models import (
    Audience,
    AudienceMember,
    Coupon,
    DealPurchase,
    DealStock,
    Order,
    OrderShare,
    Payment,
    PaymentNotification,
    Refund,
    SandboxCharge,
)
from coupons.payment_providers import BadSignature
from coupons.payment_providers.sandbox import get_charge, signed_notification
from coupons.tests.town import make_customer, make_town
from merchants.domain.terms import get_platform_fee


@pytest.fixture
def town(db):
    with scopes_disabled():
        yield make_town()


def stock(town):
    row = DealStock.objects.get(pk=town.deal.pk)
    return row.held, row.sold, row.left


def assert_not_sold(town, error, **order):
    before = (
        stock(town),
        Order.objects.count(),
        Job.objects.count(),
        list(DealPurchase.objects.values_list("quantity")),
    )
    with pytest.raises(error) as raised:
        town.order(**order)
    assert (
        stock(town),
        Order.objects.count(),
        Job.objects.count(),
        list(DealPurchase.objects.values_list("quantity")),
    ) == before
    return raised.value.facts


def close(order, **more):
    return close_order(
        order_id=order.pk, merchant_id=order.merchant_id, reason=OrderCloseReason.TIMEOUT, **more
    )


def test_an_order_holds_stock_and_freezes_terms_and_fee(town):
    order = town.order(quantity=2)

    assert stock(town) == (2, 0, 98)
    assert (order.total_fen, order.state, order.terms["title"]) == (
        25_600,
        OrderState.CREATED,
        "双人鸳鸯锅套餐",
    )
    assert order.expires_at - order.placed_at == timedelta(minutes=15)
    share = OrderShare.objects.get()
    assert (share.kind, share.bps, share.payee.kind) == ("platform_fee", 250, "platform")
    assert Job.objects.get(kind="close_order").due_at == order.expires_at


@pytest.mark.parametrize(
    "bend",
    [
        "UPDATE coupons_ordershare SET bps = 0",
        "UPDATE coupons_ordershare SET payee_id = payee_id",
        "DELETE FROM coupons_ordershare",
        "TRUNCATE coupons_ordershare",
    ],
)
def test_what_was_frozen_into_an_order_cannot_be_bent(town, bend):
    order = town.order()
    share = OrderShare.objects.get(order=order)
    assert share.rule == f"terms:{get_platform_fee(merchant=town.merchant).pk}"

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(bend)

    assert OrderShare.objects.get(order=order).bps == 250


def test_placing_an_order_stays_inside_its_statement_budget(town):
    town.make_deal()
    with CaptureQueriesContext(connection) as statements:
        town.order(quantity=2)
    assert len(statements) == 4  # BEGIN, what the rules need, everything written, COMMIT


def test_a_paid_order_becomes_coupons(town):
    coupons = town.buy(quantity=3)

    assert stock(town) == (0, 3, 97)
    assert {(coupon.state, coupon.uses_left, coupon.price_fen) for coupon in coupons} == {
        ("issued", 1, 12_800)
    }
    assert len({coupon.code for coupon in coupons}) == 3
    order = Order.objects.get()
    assert (order.state, order.paid_fen) == (OrderState.PAID, 38_400)


def test_what_cannot_be_sold_changes_nothing(town):
    now = timezone.now()
    assert_not_sold(town, Invalid, quantity=0)
    assert assert_not_sold(town, orders.OverOrderLimit, quantity=11) == {"limit": 10}
    assert_not_sold(town, orders.DealNotOnSale, deal=town.make_deal(state=DealState.PAUSED))
    assert_not_sold(town, orders.DealNotOnSale, deal=town.make_deal(sale_from=now + timedelta(hours=1)))
    assert_not_sold(town, orders.DealNotOnSale, deal=town.make_deal(sale_until=now - timedelta(hours=1)))
    over = {"validity_kind": "fixed", "valid_from_date": "2020-01-01", "valid_until_date": "2020-02-01"}
    assert_not_sold(town, orders.DealNotOnSale, deal=town.make_deal(**over))
    assert assert_not_sold(town, orders.SoldOut, deal=town.make_deal(stock=1), quantity=2) == {"left": 1}
    assert_not_sold(town, NotFound, deal=make_town(slug="tea", name="奶茶").deal)


def test_a_deal_for_an_audience_is_sold_to_its_members_only(town):
    audience = Audience.objects.create(merchant=town.merchant, name="老顾客")
    deal = town.make_deal(audience=audience)
    assert_not_sold(town, orders.NotTargeted, deal=deal)
    AudienceMember.objects.create(merchant=town.merchant, audience=audience, customer=town.customer)
    assert town.buy(deal=deal)


def test_the_limit_per_person_counts_what_is_held_and_bought(town):
    deal = town.make_deal(per_person_limit=3)
    town.buy(deal=deal, quantity=2)
    assert assert_not_sold(town, orders.OverPersonLimit, deal=deal, quantity=2) == {"limit": 3, "bought": 2}
    waiting = town.order(deal=deal, quantity=1)
    assert_not_sold(town, orders.OverPersonLimit, deal=deal, quantity=1)
    close(waiting)
    assert town.order(deal=deal, quantity=1)
    assert town.order(deal=deal, quantity=3, customer=make_customer("小王"))


def test_an_unpaid_order_closes_by_itself_and_gives_its_stock_back(town):
    order = town.order(quantity=2, at=timezone.now() - timedelta(minutes=16))
    paid = town.order(quantity=1, at=timezone.now() - timedelta(minutes=16))
    town.pay(paid)

    assert run_due_jobs(kinds=["close_order"]) == 2

    order.refresh_from_db()
    paid.refresh_from_db()
    assert (order.state, order.close_reason, paid.state) == ("closed", "timeout", "paid")
    assert stock(town) == (0, 1, 99)
    with pytest.raises(orders.OrderNotOpen):
        close(order)
    assert stock(town) == (0, 1, 99)


def test_a_late_payment_is_recorded_and_goes_back_by_itself(town):
    order = town.order()
    start_payment(order=order)
    close(order)

    assert town.pay(order) == "late"
    assert run_due_jobs(kinds=["pay_refund"]) == 1

    order.refresh_from_db()
    refund = Refund.objects.get()
    assert (order.state, order.paid_fen, order.refunded_fen) == (OrderState.CLOSED, 12_800, 12_800)
    assert (refund.reason, refund.state, refund.coupon) == (
        RefundReason.LATE_PAYMENT,
        RefundState.PAID_OUT,
        None,
    )
    assert Coupon.objects.count() == 0
    assert SandboxCharge.objects.get().refunded_fen == 12_800


def test_a_duplicate_notification_changes_nothing(town):
    order = town.order()

    outcomes = [
        town.pay(order, event_id="evt-1"),
        town.pay(order, event_id="evt-1"),
        town.pay(order, event_id="evt-2"),
    ]

    assert outcomes == ["paid", "duplicate", "stale"]
    assert Coupon.objects.count() == 1
    assert list(PaymentNotification.objects.order_by("id").values_list("outcome", flat=True)) == [
        "paid",
        "stale",
    ]


def test_a_failure_that_arrives_after_the_success_is_stale(town):
    order = town.order()
    assert town.pay(order) == "paid"
    assert town.pay(order, kind="payment.failed") == "stale"
    assert Payment.objects.get().state == "succeeded"


def test_a_success_after_a_failure_counts(town):
    order = town.order()
    assert town.pay(order, kind="payment.failed") == "failed"
    assert town.pay(order) == "paid"


def test_starting_a_payment_again_gives_the_same_one(town):
    order = town.order()
    first = start_payment(order=order, return_url="/back/")
    again = start_payment(order=order)
    assert (first.payment, first.pay_url) == (again.payment, again.pay_url)
    town.pay(order)
    with pytest.raises(orders.OrderNotOpen):
        start_payment(order=order)


def test_an_order_of_nothing_is_paid_at_once(town):
    order = town.order(deal=town.make_deal(price_fen=0))
    assert start_payment(order=order, return_url="/back/").pay_url == "/back/"
    assert order.coupons.get().price_fen == 0


def test_forged_old_and_foreign_notifications_are_refused(town, settings):
    order = town.order()
    reference = start_payment(order=order).payment.reference
    charge = get_charge(reference=reference)
    values = {"kind": "payment.succeeded", "event_id": "evt-9", "occurred_at": timezone.now()}
    headers, body = signed_notification(charge=charge, **values)

    with pytest.raises(BadSignature):
        receive_notification(provider="sandbox", headers=headers, body=body + b" ")
    with pytest.raises(BadSignature):
        receive_notification(
            provider="sandbox", headers=headers | {"X-Sandbox-Timestamp": "1000000000"}, body=body
        )
    with pytest.raises(BadSignature):
        receive_notification(provider="sandbox", headers={}, body=body)
    charge.amount_fen -= 1
    headers, body = signed_notification(charge=charge, **values)
    with pytest.raises(AmountDiffers):
        receive_notification(provider="sandbox", headers=headers, body=body)
    charge.reference = "nobody"
    headers, body = signed_notification(charge=charge, **values)
    with pytest.raises(UnknownReference):
        receive_notification(provider="sandbox", headers=headers, body=body)

    order.refresh_from_db()
    assert order.state == OrderState.CREATED
    assert PaymentNotification.objects.count() == 0


def test_a_refund_before_use_is_paid_once_even_where_the_provider_fails_first(town, monkeypatch):
    (coupon,) = town.buy()
    refund = request_refund(coupon=coupon, by=town.customer.user)
    with pytest.raises(CouponNotRefundable):
        request_refund(coupon=coupon, by=town.customer.user)
    SandboxCharge.objects.update(paid_at=None)  # the provider answers with an error

    assert run_due_jobs(kinds=["pay_refund"]) == 0

    refund.refresh_from_db()
    coupon.refresh_from_db()
    assert (refund.state, coupon.state) == (RefundState.FAILED, CouponState.REFUND_LOCKED)
    SandboxCharge.objects.update(paid_at=timezone.now())
    Job.objects.filter(kind="pay_refund").update(due_at=timezone.now() - timedelta(seconds=1))
    assert run_due_jobs(kinds=["pay_refund"]) == 1
    refund.refresh_from_db()
    coupon.refresh_from_db()
    assert (refund.state, coupon.state) == (RefundState.PAID_OUT, CouponState.REFUNDED)
    assert SandboxCharge.objects.get().refunded_fen == 12_800
    assert stock(town) == (0, 0, 100)


def test_used_coupons_and_deals_without_refund_keep_their_money(town):
    (used,) = town.buy()
    town.redeem(used.code)
    (bound,) = town.buy(deal=town.make_deal(refundable_before_use=False))
    for coupon in (used, bound):
        with pytest.raises(CouponNotRefundable):
            request_refund(coupon=coupon, by=town.customer.user)
    assert Refund.objects.count() == 0


def test_a_payment_provider_nobody_has_is_named_before_the_first_payment(settings):
    settings.PAYMENT_PROVIDER = "moonpay"
    with pytest.raises(SystemCheckError, match="PAYMENT_PROVIDER=moonpay is no payment provider"):
        call_command("check")
