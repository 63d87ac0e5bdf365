"""A busy street, as a process of its own beside the product: buys, redeems and refunds until it is told to stop.

`python -m tests.faults.trader trade HISTORY COUNT` appends to HISTORY, one JSON line each, what was answered to it; an
unanswered request is sent again under its own key, as phones do. Its redemptions are backdated, so each is due at once
and has a settlement job of its own. `check` prints what the database says in the end.
"""

import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

MERCHANTS = 3
ENOUGH = 300  # jobs that wait
WITH_REFUND = 2  # of the five coupons of an order


def insist(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The answer, asked for again while the database is away."""
    from django.db import Error, IntegrityError, connection

    while True:
        try:
            return call(*arguments, **named)
        except IntegrityError:
            raise
        except Error:
            connection.close()
            time.sleep(0.1)


def trade(history: str, count: int) -> None:
    from django.db import connection
    from django.utils import timezone
    from django_scopes import scope

    from coupons.domain.orders import OrderNotOpen
    from coupons.domain.payments import start_payment
    from coupons.domain.refunds import CouponNotRefundable, request_refund
    from coupons.models import Coupon, Order, Refund
    from coupons.payment_providers.sandbox import UnknownReference
    from coupons.tests.town import Town, make_town

    going = True

    def stop(*_: object) -> None:
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    towns = [make_town(slug=f"street-{number}", name=f"街角{number}") for number in range(MERCHANTS)]
    for town in towns:
        town.deal = town.make_deal(stock=None)
    opened = timezone.now() - timedelta(days=20)
    minutes = itertools.count(1)

    def refund(town: Town, coupon: Coupon) -> None:
        try:
            request_refund(coupon=coupon, by=town.owner)
        except CouponNotRefundable:  # the lost answer was a yes
            with scope(merchant=town.merchant.pk):
                assert Refund.objects.filter(coupon=coupon).exists()

    def pay(town: Town, order: Order) -> None:
        """As a customer does who tries again from the start; the order may be paid, or closed in time, by then."""
        with contextlib.suppress(OrderNotOpen):
            start_payment(order=order)
        with contextlib.suppress(OrderNotOpen, UnknownReference):  # closed before the provider was asked
            town.pay(order, at=opened, event_id=f"evt-{order.pk}")

    def coupons_of(order: Order) -> list[Coupon]:
        with scope(merchant=order.merchant_id):
            return list(order.coupons.order_by("id"))

    def count_due() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM core_job WHERE state = 'ready' AND due_at <= now()")
            return cursor.fetchone()[0]

    with open(history, "a", buffering=1) as book:
        for number in range(count):
            town = towns[number % MERCHANTS]
            order = insist(town.order, quantity=5, at=opened)
            insist(pay, town, order)
            for position, coupon in enumerate(insist(coupons_of, order)):
                if position < WITH_REFUND and number % 3 == 0:
                    insist(refund, town, coupon)
                    answer = {"refund": coupon.pk, "fen": coupon.price_fen}
                else:
                    at = opened + timedelta(days=1, minutes=next(minutes))
                    key = f"phone-{number}-{position}"
                    receipt = insist(town.redeem, coupon.code, attempt_key=key, at=at)
                    answer = {"redeem": key, "fen": receipt.gross_fen, "id": receipt.redemptions[0].id}
                book.write(json.dumps(answer) + "\n")
            while going and insist(count_due) > ENOUGH:  # the street is no load test
                time.sleep(0.1)
            if not going:
                return


def check() -> dict[str, Any]:
    from django.db.models import Count, Sum

    from core.invariants import check_invariants
    from core.models import Job
    from coupons.models import Payment, Redemption, Refund, SandboxCharge
    from coupons.settlement.models import SettlementLine

    return {
        "jobs": {row["state"]: row["n"] for row in Job.objects.values("state").annotate(n=Count("id"))},
        "dead": list(Job.objects.filter(state="dead").values_list("kind", "last_error")),
        "redeemed": dict(Redemption.objects.values_list("id", "gross_fen")),
        "settled": dict(SettlementLine.objects.values_list("redemption_id", "gross_fen")),
        "refunded": dict(
            Refund.objects.filter(coupon__isnull=False, state="paid_out").values_list(
                "coupon_id", "amount_fen"
            )
        ),
        "refunds": Refund.objects.count(),
        "refunds_paid_fen": Refund.objects.filter(state="paid_out").aggregate(n=Sum("amount_fen"))["n"] or 0,
        "given_back_fen": SandboxCharge.objects.aggregate(n=Sum("refunded_fen"))["n"] or 0,
        "unbooked_payments": Payment.objects.filter(state="succeeded", journal__isnull=True).count(),
        "broken": check_invariants().broken,
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django_scopes import scopes_disabled

    with scopes_disabled():
        if sys.argv[1] == "trade":
            trade(sys.argv[2], int(sys.argv[3]))
        else:
            print(json.dumps(check()))
