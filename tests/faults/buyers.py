"""A rush, as a process of its own beside the product: a crowd that buys one deal over HTTP until it is sold out.

`prepare PIECES CUSTOMERS` makes the shop and prints it; `rush SITE SHOP HISTORY SEED` buys and appends to HISTORY, one JSON
line each, what was answered; `hasten` makes due what waits for its time; `check` prints what the database says in the end.
A request that was not answered, or with an error of the server, is sent again, an order under its own key, as phones do.
"""

import json
import os
import random
import re
import sys
import threading
import time
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TextIO

import httpx

THREADS = 12
TIMEOUT_SECONDS = 10
PAID_WITHIN_SECONDS = 5  # who wants his money back looks that long, in the end, whether his order was paid
LIMIT = 4  # pieces per person
# What customers do with an order, and how many of a hundred do.
MANNERS = {
    "pay": 37,
    "twice": 10,  # the cashier's buttons, as its page names them
    "disorder": 10,
    "late": 5,
    "fail, pay": 5,
    "pay, cancel": 9,  # changes his mind while the money is on its way
    "start": 7,  # is shown where to pay, and goes away
    "nothing": 5,
    "cancel": 12,
}
REFUNDED = 0.3  # of the paid orders one coupon goes back


class History:
    """What the crowd was answered."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._lock = file, threading.Lock()

    def note(self, **answer: Any) -> None:
        with self._lock:
            self._file.write(json.dumps(answer | {"at": round(time.time(), 3)}) + "\n")


class Buyer(threading.Thread):
    """One pair of hands that buys for many customers, one after the other; the dice make it the same for the same seed."""

    def __init__(self, number: int, *, site: str, shop: dict[str, Any], history: History, seed: str) -> None:
        super().__init__()
        self._shop, self._history = shop, history
        self._tokens = shop["tokens"][number::THREADS]
        self._dice = random.Random(f"{seed}-{number}")
        self._client = httpx.Client(base_url=site, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._keys = (f"rush-{number}-{n:05d}" for n in count())
        self._to_refund: list[tuple[str, str]] = []  # token and order
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for token in self._tokens:
                for _ in range(self._dice.choice((1, 1, 2))):
                    self._buy(token)
                    self._refund_what_is_paid()
            deadline = time.monotonic() + PAID_WITHIN_SECONDS
            while self._to_refund and time.monotonic() < deadline:
                self._refund_what_is_paid()
                time.sleep(0.1)
        except BaseException as error:
            self.error = error
            raise

    def _ask(self, method: str, path: str, *, token: str = "", **more: Any) -> httpx.Response:
        """The answer: asked for again while there is none, or one of a server in trouble."""
        headers = more.pop("headers", {}) | ({"Authorization": f"Token {token}"} if token else {})
        while True:
            try:
                answer = self._client.request(method, path, headers=headers, **more)
            except httpx.TransportError as error:
                self._history.note(lost=type(error).__name__, method=method, path=path)
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
                self._history.note(lost=answer.status_code, method=method, path=path)
            time.sleep(0.1)

    def _buy(self, token: str) -> None:
        """One order, and what becomes of it."""
        manner = self._dice.choices([*MANNERS], weights=[*MANNERS.values()])[0]
        quantity, key, again = self._dice.randint(1, 3), next(self._keys), self._dice.random() < 0.2
        wants_refund = self._dice.random() < REFUNDED
        order = self._place(token, key=key, quantity=quantity)
        if order is None:
            return
        if again:  # a nervous thumb
            assert self._place(token, key=key, quantity=quantity) == order, f"{key} made two orders"
        steps = manner.split(", ")
        if steps == ["nothing"]:
            return
        if steps != ["cancel"]:
            reference = self._start_payment(token, order)
            for step in steps:
                if reference and step not in ("start", "cancel"):
                    self._press(reference, step)
        if steps[-1] == "cancel":
            self._cancel(token, order)
        elif wants_refund and steps[-1] in ("pay", "twice", "disorder"):
            self._to_refund.append((token, order))

    def _place(self, token: str, *, key: str, quantity: int) -> str | None:
        """The order's id; None where it was refused. Waits in the waiting room as long as it is told to."""
        wish = {"merchant": self._shop["slug"], "deal_id": self._shop["deal"], "quantity": quantity}
        while True:
            answer = self._ask(
                "POST", "/api/v1/orders/", token=token, json=wish, headers={"Idempotency-Key": key}
            )
            if answer.status_code != 202:
                break
            place = answer.json()["waiting"]
            self._history.note(waiting=place["position"], key=key)
            time.sleep(min(place["poll_after_seconds"], 1))
        if answer.status_code == 201:
            order = str(answer.json()["id"])
            self._history.note(order=order, key=key, quantity=quantity)
            return order
        self._note_refusal(answer, expected=("sold_out", "over_person_limit"), key=key)
        return None

    def _start_payment(self, token: str, order: str) -> str | None:
        answer = self._ask("POST", f"/api/v1/orders/{order}/payment/", token=token, json={})
        if answer.status_code == 200:
            return str(answer.json()["reference"])
        self._note_refusal(answer, expected=(), of=order)
        return None

    def _press(self, reference: str, button: str) -> None:
        """A button of the cashier's page, as a browser presses it."""
        path = f"/sandbox/pay/{reference}/"
        page = self._ask("GET", path)
        form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert form, f"{path}: {page.status_code} {page.text[:300]}"
        answer = self._ask("POST", path, data={"csrfmiddlewaretoken": form[1], "action": button})
        assert answer.status_code == 302, f"{path} {button}: {answer.status_code} {answer.text[:300]}"
        self._history.note(pressed=button, reference=reference)

    def _cancel(self, token: str, order: str) -> None:
        answer = self._ask("POST", f"/api/v1/orders/{order}/cancellation/", token=token)
        if answer.status_code == 200:
            self._history.note(cancelled=order)
        else:  # it was paid first; or the answer that was lost was a yes
            self._note_refusal(answer, expected=("order_not_open",), of=order)

    def _refund_what_is_paid(self) -> None:
        for token, order in [*self._to_refund]:
            seen = self._ask("GET", f"/api/v1/orders/{order}/", token=token).json()
            if seen["state"] == "created":
                continue
            self._to_refund.remove((token, order))
            if seen["coupons"]:
                coupon = seen["coupons"][0]["id"]
                answer = self._ask("POST", f"/api/v1/coupons/{coupon}/refund/", token=token)
                if answer.status_code == 200:
                    self._history.note(refunded=coupon)
                else:  # the answer that was lost was a yes
                    self._note_refusal(answer, expected=("coupon_not_refundable",), coupon=coupon)

    def _note_refusal(self, answer: httpx.Response, *, expected: tuple[str, ...], **facts: Any) -> None:
        code = answer.json()["errors"][0]["code"]
        assert code in expected, f"{answer.request.url}: {answer.status_code} {answer.text[:300]}"
        self._history.note(refused=code, **facts)


def rush(site: str, shop: str, history: str, seed: str) -> None:
    facts = json.loads(Path(shop).read_text())
    with open(history, "a", buffering=1) as file:
        book = History(file)
        crowd = [Buyer(number, site=site, shop=facts, history=book, seed=seed) for number in range(THREADS)]
        for buyer in crowd:
            buyer.start()
        for buyer in crowd:
            buyer.join()
    sys.exit(any(buyer.error for buyer in crowd))


def prepare(pieces: int, customers: int) -> dict[str, Any]:
    """A shop that sells so many pieces of one deal, and customers with their tokens."""
    from django.db import transaction

    from coupons.tests.town import make_town
    from identity.api.authentication import give_token
    from identity.domain.customers import sign_in_customer

    with transaction.atomic():
        town = make_town(slug="rush", name="山城老灶火锅")
        deal = town.make_deal(stock=pieces, per_order_limit=3, per_person_limit=LIMIT)
        people = [sign_in_customer(provider="sandbox", open_id=f"rush-{n}") for n in range(customers)]
        tokens = [give_token(user=customer.user, life=timedelta(hours=1))[0] for customer in people]
    return {"slug": town.merchant.slug, "deal": str(deal.pk), "tokens": tokens}


def hasten() -> None:
    """The quarter of an hour of unpaid orders is over, and so are the waits of what failed or died with its worker."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET due_at = LEAST(due_at, now()), lease_until = NULL"
            " WHERE state = 'ready' AND kind IN ('close_order', 'sandbox_notify', 'pay_refund')"
        )


def check() -> dict[str, Any]:
    from django.db.models import Count, Q

    from core.invariants import check_invariants
    from core.models import IdempotencyKey, Job
    from coupons.models import DealStock, Order, Payment, SandboxCharge

    orders = Order.objects.annotate(
        coupon_count=Count("coupons"), back_count=Count("coupons", filter=Q(coupons__state="refunded"))
    )
    charges = {charge.reference: charge for charge in SandboxCharge.objects.all()}
    stock = DealStock.objects.get(deal__merchant__slug="rush", deal__per_person_limit=LIMIT)
    return {
        "keys": {row.key: str(row.body["id"]) for row in IdempotencyKey.objects.filter(endpoint="orders")},
        "orders": {
            str(order.pk): {
                "state": order.state,
                "quantity": order.quantity,
                "coupons": order.coupon_count,
                "back": order.back_count,
                "price_fen": order.unit_price_fen,
            }
            for order in orders
        },
        "charges": {
            payment.reference: {
                "order": str(payment.order_id),
                "received": payment.state == "succeeded",
                "paid": charges[payment.reference].paid_at is not None,
                "amount_fen": charges[payment.reference].amount_fen,
                "back_fen": charges[payment.reference].refunded_fen,
            }
            for payment in Payment.objects.all()
        },
        "stock": {"total": stock.total, "free": stock.free, "held": stock.held, "sold": stock.sold},
        "dead": list(Job.objects.filter(state="dead").values_list("kind", "last_error")),
        "broken": check_invariants().broken,
    }


def main(act: str, *arguments: str) -> None:
    if act == "rush":
        rush(*arguments)
        return
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django_scopes import scopes_disabled

    with scopes_disabled():
        match act:
            case "prepare":
                print(json.dumps(prepare(*map(int, arguments))))
            case "hasten":
                hasten()
            case "check":
                print(json.dumps(check()))


if __name__ == "__main__":
    main(*sys.argv[1:])
