"""Buyers, payments and closing orders at the same moment."""

import itertools
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from core.domain.idempotency import Answer, claim_key, fingerprint, keep_answer
from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain.deals import change_offer
from coupons.domain.orders import OrderNotOpen, close_order
from coupons.domain.payments import receive_notification, start_payment
from coupons.enums import OrderCloseReason, OrderState, RefundState
from coupons.models import (
    Coupon,
    DealPurchase,
    DealStock,
    Order,
    Payment,
    PaymentNotification,
    Refund,
    StockSlot,
)
from coupons.payment_providers.sandbox import get_charge, signed_notification
from coupons.tests.town import Town, make_customer
from tests.races.racing import Held, Side, count_codes, hold_against, race, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def close(town: Town, order: Order) -> Order:
    return close_order(order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)


def test_fifty_pieces_are_sold_fifty_times(town: Town) -> None:
    deal = town.make_deal(stock=50)
    lanes = [
        [partial(town.order, deal=deal, customer=customer) for _ in range(6)]
        for customer in [make_customer() for _ in range(12)]
    ]
    answers = list(itertools.chain(*race(*lanes)))
    assert count_codes(answers) == {"done": 50, "sold_out": 22}
    orders = list(Order.objects.all())
    assert len(orders) == 50
    race(*([partial(town.pay, order) for order in orders[lane::10]] for lane in range(10)))
    stock = DealStock.objects.get(deal=deal)
    assert (stock.held, stock.sold, stock.total) == (0, 50, 50)
    assert Coupon.objects.count() == 50
    assert check_invariants().broken == {}


def test_orders_of_several_never_pass_the_stock(town: Town) -> None:
    deal = town.make_deal(stock=50)
    lanes = [
        [
            partial(town.order, deal=deal, customer=make_customer(), quantity=1 + (lane + n) % 4)
            for n in range(4)
        ]
        for lane in range(12)
    ]
    race(*lanes)
    stock = DealStock.objects.get(deal=deal)
    assert stock.held == sum(Order.objects.values_list("quantity", flat=True)) <= 50
    assert stock.held == 50  # orders of one find the last pieces


def test_the_limit_per_person_holds_under_many_clicks(town: Town) -> None:
    deal = town.make_deal(per_person_limit=3)
    answers = race_once(*[partial(town.order, deal=deal)] * 12)
    assert count_codes(answers) == {"done": 3, "over_person_limit": 9}
    assert DealPurchase.objects.get(deal=deal).quantity == 3
    assert DealStock.objects.get(deal=deal).held == 3


def test_a_payment_held_open_keeps_the_order_from_closing(town: Town) -> None:
    order = town.order(quantity=2)
    result = hold_against(partial(town.pay, order), partial(close, town, order))
    assert result.second_waited
    assert (result.first, type(result.second)) == ("paid", OrderNotOpen)
    order.refresh_from_db()
    assert (order.state, order.coupons.count()) == (OrderState.PAID, 2)
    stock = DealStock.objects.get(deal=town.deal)
    assert (stock.held, stock.sold) == (0, 2)
    assert check_invariants().broken == {}


def test_a_closing_order_held_open_sends_the_payment_back(town: Town) -> None:
    order = town.order(quantity=2)
    start_payment(order=order)
    result = hold_against(partial(close, town, order), partial(town.pay, order))
    assert result.second_waited
    assert result.second == "late"
    order.refresh_from_db()
    assert (order.state, order.coupons.count()) == (OrderState.CLOSED, 0)
    stock = DealStock.objects.get(deal=town.deal)
    assert (stock.held, stock.sold) == (0, 0)
    run_due_jobs(kinds=["pay_refund"])
    refund = Refund.objects.get()
    assert (refund.state, refund.amount_fen) == (RefundState.PAID_OUT, order.total_fen)
    assert get_charge(reference=refund.payment.reference).refunded_fen == order.total_fen
    assert check_invariants().broken == {}


def test_closing_and_paying_at_once_one_wins_each_time(town: Town) -> None:
    orders = [town.order() for _ in range(12)]
    for order in orders:
        start_payment(order=order)
    paid, closed = race(
        [partial(town.pay, order) for order in orders], [partial(close, town, order) for order in orders]
    )
    for order, payment, closing in zip(orders, paid, closed, strict=True):
        order.refresh_from_db()
        if order.state == OrderState.PAID:
            assert (payment, type(closing), order.coupons.count()) == ("paid", OrderNotOpen, 1)
        else:
            assert order.state == OrderState.CLOSED
            assert order.coupons.count() == 0
            assert isinstance(closing, Order)
            assert payment == "late"
    assert check_invariants().broken == {}


def test_an_order_is_closed_once(town: Town) -> None:
    order = town.order(quantity=3)
    assert count_codes(race_once(*[partial(close, town, order)] * 8)) == {"done": 1, "order_not_open": 7}
    assert DealStock.objects.get(deal=town.deal).held == 0
    assert DealPurchase.objects.get(deal=town.deal).quantity == 0


def test_buying_and_cancelling_of_one_customer_wait_for_each_other_in_one_order(town: Town) -> None:
    """Both touch his count and the stock; taken in different orders, each would wait for the other for ever."""
    order = town.order()
    lock_stock = lambda: list(StockSlot.objects.select_for_update().filter(deal=town.deal))  # noqa: E731
    with Held(lock_stock):
        closing = Side(partial(close, town, order))
        assert closing.waits_for_a_lock()
        buying = Side(partial(town.order))
        assert buying.waits_for_a_lock()
    assert closing.result().state == OrderState.CLOSED
    assert buying.result().state == OrderState.CREATED
    assert DealStock.objects.get(deal=town.deal).held == 1


def test_one_notification_delivered_eight_times_at_once_mints_one_set(town: Town) -> None:
    order = town.order(quantity=3)
    payment = start_payment(order=order).payment
    charge = get_charge(reference=payment.reference)
    headers, body = signed_notification(
        charge=charge, kind="payment.succeeded", event_id="evt-same", occurred_at=timezone.now()
    )
    deliver = partial(receive_notification, provider="sandbox", headers=headers, body=body)
    assert sorted(race_once(*[deliver] * 8)) == ["duplicate"] * 7 + ["paid"]
    assert Coupon.objects.count() == 3
    assert PaymentNotification.objects.get().outcome == "paid"
    assert Order.objects.get().paid_fen == order.total_fen


def test_eight_events_of_one_payment_at_once_pay_it_once(town: Town) -> None:
    order = town.order(quantity=3)
    start_payment(order=order)
    assert sorted(race_once(*[partial(town.pay, order)] * 8)) == ["paid"] + ["stale"] * 7
    assert Coupon.objects.count() == 3
    assert Order.objects.get().paid_fen == order.total_fen
    assert Refund.objects.count() == 0


def test_payment_started_many_times_at_once_is_one_payment(town: Town) -> None:
    order = town.order()
    started = race_once(*[partial(start_payment, order=order)] * 8)
    assert len({answer.payment.reference for answer in started}) == 1
    assert Payment.objects.count() == 1


def test_an_idempotency_key_sent_eight_times_at_once_has_one_effect(town: Town) -> None:
    print_ = fingerprint(path="/orders/", body={"quantity": 1})
    key = {"principal": "customer:1", "endpoint": "orders", "key": "k-1"}

    def request() -> Answer:
        with transaction.atomic():
            answer = claim_key(**key, fingerprint=print_)
            if answer is None:
                answer = Answer(status=201, body={"order": str(town.order().pk)})
                keep_answer(**key, answer=answer)
            return answer

    answers = race_once(*[request] * 8)
    assert {(answer.status, answer.body["order"]) for answer in answers} == {
        (201, str(Order.objects.get().pk))
    }


def test_an_offer_changed_while_an_order_is_placed_waits_for_its_stock_only(town: Town) -> None:
    """The order's commit looks at its deal's row: an editor who waits for the stock must not keep it away from there."""
    change = partial(
        change_offer, deal=town.deal, total=50, per_person_limit=None, sale_until=None, by=town.owner
    )

    made = hold_against(town.order, change)

    assert made.second_waited
    assert made.second is None
    stock = DealStock.objects.get(deal=town.deal)
    assert (stock.held, stock.total) == (1, 50)
