"""The load, made by locust in a process of its own: `python -m coupons.live.rehearsal.generator PLAN.json`.

It knows the shop only from outside, by HTTP. A line of JSON each second says how it goes, the last one ("final") sums up.
When the steps are over its customers go on buying what is left, soberly, until SIGTERM says that everything is sold.
"""

import itertools
import json
import random
import signal
import sys
import time
import uuid
from collections import Counter, deque
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, constant_pacing, task
from locust.env import Environment

from coupons.live.rehearsal.plan import DISORDER, PACE_SECONDS, SLOW_PROVIDER, Plan, read_plan
from coupons.live.rehearsal.tally import Tally

ABANDON, DOUBLE_CLICK, REFUND, REDEEM, PAY_TWICE = 0.06, 0.05, 0.05, 0.25, 0.05
COUPONS_SECONDS = 60  # how long a customer looks at a paid order that shows no coupons yet
SELL_OUT_SHOPPERS = 40
MOST_INSIDE = 5_000  # customers under way; more would only be the generator's memory
LEAVE_SECONDS = 25  # when all is sold, for those under way
PATIENCE = 90  # seconds in a waiting room
CSRF = "rehearsalrehearsalrehearsalrehea"  # the cashier compares the cookie with the header; ours are made up


class Stage:
    """What every shadow customer shares."""

    def __init__(self, data: dict[str, Any], *, at_dice: random.Random | None = None) -> None:
        self.plan: Plan = read_plan(data["plan"])
        self.deals: list[dict[str, Any]] = data["deals"]
        self.merchant: str = data["merchant"]
        self.store_id: str = data["store_id"]
        self.customers = deque(enumerate(data["customers"]))
        self.clerks = itertools.cycle(data["clerks"])
        self.dice = at_dice or random.Random(data["seed"])  # noqa: S311 - a die, no secret
        self.tally = Tally()
        self.inside: set[Any] = set()
        self.begun = time.monotonic()

    @property
    def second(self) -> float:
        return time.monotonic() - self.begun

    @property
    def is_selling_out(self) -> bool:
        return self.second >= self.plan.seconds

    def broken(self, kind: str) -> bool:
        """Whether this fault lasts now."""
        return any(
            fault.kind == kind and fault.until is not None and fault.at <= self.second < fault.until
            for fault in self.plan.faults
        )

    def chance(self, share: float) -> bool:
        return not self.is_selling_out and self.dice.random() < share


stage: Stage


class Shopper(FastHttpUser):
    """Sends one customer after the other into the shop, each at his time, and waits for none of them to come out."""

    wait_time = constant_pacing(PACE_SECONDS)
    network_timeout = 30.0
    connection_timeout = 10.0
    concurrency = 50  # connections of one shopper: his earlier customers are still about

    def on_start(self) -> None:
        # Customers do not come in step.
        gevent.sleep(stage.dice.random() * PACE_SECONDS)

    @task
    def send_one_in(self) -> None:
        if stage.customers and len(stage.inside) < MOST_INSIDE:
            visit = gevent.spawn(Visit(self.client, *stage.customers.popleft()).run)
            stage.inside.add(visit)
            visit.link(stage.inside.discard)
            if stage.is_selling_out:
                visit.join()

    def wait(self) -> None:
        if stage.is_selling_out:
            gevent.sleep(0.5)
        else:
            super().wait()


class Visit:
    """One customer's way from the card to the counter; whatever he does not get is counted by its code."""

    def __init__(self, client: Any, number: int, token: str) -> None:
        self.client = client
        self.customer = (number, token)
        self.headers = {
            "Authorization": f"Token {token}",
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "Accept-Language": "en",
        }

    def run(self) -> None:
        try:
            self._shop()
        finally:
            stage.customers.append(self.customer)

    def _shop(self) -> None:
        deal = stage.dice.choice(stage.deals)
        if not stage.is_selling_out:
            self._ask("GET", f"/api/v1/deals/{deal['id']}/", name="look")
        order = self._order(deal)
        if order is None:
            return
        if stage.chance(ABANDON):
            return
        if not self._pay(order, deal):
            return
        coupons = self._await_coupons(order)
        for coupon in coupons:
            if stage.chance(REFUND):
                self._ask("POST", f"/api/v1/coupons/{coupon['id']}/refund/", name="refund", body={})
            elif stage.chance(REDEEM):
                self._redeem(coupon)

    def _order(self, deal: dict[str, Any]) -> dict[str, Any] | None:
        """The order; None where it was refused. A nervous finger sends the same click twice."""
        body: dict[str, Any] = {
            "merchant": stage.merchant,
            "deal_id": deal["id"],
            "quantity": 1 if stage.is_selling_out else stage.dice.choice((1, 1, 1, 2)),
        }
        body["quantity"] = min(body["quantity"], deal["most_per_order"])
        if deal.get("placement"):
            body["placement"] = deal["placement"]
        key = uuid.uuid4().hex
        if stage.chance(DOUBLE_CLICK):
            second = gevent.spawn(self._place, body, key)
            order = self._place(body, key)
            twin = second.get()
            if order and twin and order["id"] != twin["id"]:
                stage.tally.count_error("order", "one_key_two_orders")
            return order or twin
        return self._place(body, key)

    def _place(self, body: dict[str, Any], key: str) -> dict[str, Any] | None:
        """Ask until answered; a waiting room sends the customer back with a ticket and a time."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status, answer, headers = self._ask(
                "POST", "/api/v1/orders/", name="order", body=body, headers={"Idempotency-Key": key}
            )
            if status == 202:
                stage.tally.count_answer("order", "waiting")
                self._wait_for_turn(answer["waiting"], until)
            elif status == 429:
                gevent.sleep(_seconds(answer, headers))
            elif status == 0 or status >= 500:  # no answer: the same key again, as a phone does
                gevent.sleep(1)
            else:
                if status == 201 and headers.get("Idempotency-Replayed") != "true":
                    stage.tally.count_order(stage.plan.step_at(stage.second))
                return answer if status == 201 else None
        stage.tally.count_error("order", "gave_up_waiting")
        return None

    def _wait_for_turn(self, place: dict[str, Any], until: float) -> None:
        """Sit in the waiting room; asking keeps the place."""
        begun = time.monotonic()
        while time.monotonic() < until:
            gevent.sleep(max(0.2, float(place["poll_after_seconds"] or 1)))
            status, answer, _ = self._ask("GET", f"/api/v1/waiting/{place['ticket']}/", name="place")
            if status != 200 or answer["state"] != "waiting":
                break
            place = answer
        stage.tally.count_time("waiting room", (time.monotonic() - begun) * 1000, None)

    def _pay(self, order: dict[str, Any], deal: dict[str, Any]) -> bool:
        """At the sandbox's cashier, who is slow or confused while that fault lasts."""
        status, answer, _ = self._insist(
            "POST", f"/api/v1/orders/{order['id']}/payment/", name="pay", body={}
        )
        if status != 200:
            return False
        if not deal["price_fen"]:  # paid already
            return True
        if stage.broken(SLOW_PROVIDER):
            action = "slow"
        elif stage.broken(DISORDER):
            action = "disorder"
        else:
            action = "twice" if stage.chance(PAY_TWICE) else "pay"
        status, _, _ = self._insist(
            "POST",
            answer["pay_url"],
            name="cashier",
            data={"action": action},
            headers={"Cookie": f"csrftoken={CSRF}", "X-CSRFToken": CSRF},
        )
        return status in (200, 302)

    def _await_coupons(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Look again until the coupons are there; how long it took is counted as "coupons"."""
        begun = time.monotonic()
        wait = 1.5
        while time.monotonic() - begun < COUPONS_SECONDS:
            gevent.sleep(wait)
            wait = min(wait * 1.5, 6.0)
            status, answer, _ = self._ask("GET", f"/api/v1/orders/{order['id']}/", name="order again")
            if status != 200 or not answer:
                continue
            if answer["coupons"]:
                stage.tally.count_time("coupons", (time.monotonic() - begun) * 1000, None)
                return list(answer["coupons"])
            if answer["state"] == "closed":
                stage.tally.count_answer("coupons", "closed before the money came")
                return []
        stage.tally.count_error("coupons", "not_in_time")
        return []

    def _redeem(self, coupon: dict[str, Any]) -> None:
        status, shown, _ = self._ask("GET", f"/api/v1/coupons/{coupon['id']}/", name="coupon")
        if status != 200:
            return
        body = {"merchant": stage.merchant, "store_id": stage.store_id, "code": shown["code"]}
        headers = {"Authorization": f"Token {next(stage.clerks)}", "Idempotency-Key": uuid.uuid4().hex}
        self._insist("POST", "/api/v1/redemption/", name="redeem", body=body, headers=headers)

    def _insist(self, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
        """The same request again where no answer came; only for requests that name themselves."""
        for _ in range(5):
            status, answer, headers = self._ask(method, path, **more)
            if status and status < 500 and status != 429:
                break
            gevent.sleep(_seconds(answer, headers))
        return status, answer, headers

    def _ask(
        self,
        method: str,
        path: str,
        *,
        name: str,
        body: Any = None,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, Any]:
        """Status (0: no answer), what was said, headers. Refusals of the domain are answers; the rest are errors."""
        step = stage.plan.step_at(stage.second)
        with self.client.request(
            method,
            path,
            name=name,
            json=body,
            data=data,
            headers={**self.headers, **(headers or {})},
            allow_redirects=False,
            catch_response=True,
        ) as response:
            status = response.status_code or 0
            try:
                answer = json.loads(response.content or b"null")
            except ValueError:
                answer = None
            code = _code(answer) or str(status)
            if status == 0 or status >= 500:
                stage.tally.count_error(name, code if status else "no_answer")
                response.failure(code)
            else:
                response.success()
                if status >= 400:
                    stage.tally.count_answer(name, code)
            if 0 < status < 400 or status == 409:
                stage.tally.count_time(name, response.request_meta["response_time"], step, status < 400)
        return status, answer, response.headers or {}


def _code(answer: Any) -> str:
    try:
        return str(answer["errors"][0]["code"])
    except (KeyError, TypeError, IndexError):
        return ""


def _seconds(answer: Any, headers: Any) -> float:
    """How long we were asked to wait."""
    text = (headers or {}).get("Retry-After") or ""
    if text.isdigit():
        return min(float(text), 30.0)
    return 1.0


class Steps(LoadTestShape):
    """The plan's steps, then a few customers who buy what is left."""

    abstract = False

    def tick(self) -> tuple[int, float] | None:
        number = stage.plan.step_at(stage.second)
        if number is None:
            most = max(step.shoppers for step in stage.plan.steps)
            return min(most, SELL_OUT_SHOPPERS), 100.0
        shoppers = stage.plan.steps[number].shoppers
        return shoppers, max(1.0, shoppers / 3)


def tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    global stage
    with open(sys.argv[1]) as file:
        data = json.load(file)
    stage = Stage(data)
    Shopper.host = data["host"]
    environment = Environment(user_classes=[Shopper], shape_class=Steps(), stop_timeout=10)
    runner = environment.create_local_runner()
    stage.begun = time.monotonic()
    runner.start_shape()
    over = gevent.event.Event()
    gevent.signal_handler(signal.SIGTERM, over.set)
    while not over.wait(1.0):
        tell({"second": round(stage.second, 1), "shoppers": runner.user_count, **stage.tally.take_second()})
    runner.quit()
    gevent.joinall(list(stage.inside), timeout=LEAVE_SECONDS)
    tell({"final": stage.tally.sum_up(), "errors": dict(Counter(stage.tally.errors))})


if __name__ == "__main__":
    main()
