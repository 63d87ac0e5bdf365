"""A deal sells out while web, worker and PostgreSQL are killed: nobody pays for nothing, and no piece is lost or sold twice.

RUSH_KILLS says how often each is killed (1; docs/performance.md tells of 10); TONGDAO_FAULT_SEED replays a plan.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from core.tests.test_embedded import folder  # noqa: F401 - a fixture
from tests.faults.product import Product, Watch, environment, wait_for

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the processes to kill"),
]

KILLS = int(os.environ.get("RUSH_KILLS", "1"))
PIECES_BETWEEN = 40  # sold between two kills
STALL_SECONDS = 150  # what is killed again and again is restarted after up to 30 s
RECOVERY_SECONDS = 120
OPEN = "SELECT count(*) FROM core_job WHERE state = 'ready' AND kind IN ('close_order', 'sandbox_notify', 'pay_refund')"
DONE = "SELECT count(*) FROM core_job WHERE state = 'done' AND kind IN ('sandbox_notify', 'pay_refund')"


def plan(seed: int) -> list[tuple[str, float]]:
    """What is killed, and how long after its share of the pieces was sold: the same for the same seed.

    Web and worker are killed whole or one of their processes, in turn.
    """
    dice = random.Random(seed)
    whole_or_part = {"web": "web child", "worker": "worker child", "postgres": "postgres"}
    kills = [(name, part)[n % 2] for name, part in whole_or_part.items() for n in range(KILLS)]
    dice.shuffle(kills)
    return [(name, dice.uniform(0.05, 0.5)) for name in kills]


class Crowd:
    """The buyers beside the product (see buyers.py)."""

    def __init__(self, product: Product, place: Path) -> None:
        self._environment = environment(product.folder) | product.servers.environment()
        self._shop, self.history = place / "shop.json", place / "history"
        self._site = product.site()
        self._process: subprocess.Popen[bytes] | None = None
        self.history.touch()

    def prepare(self, *, pieces: int, customers: int) -> None:
        self._shop.write_text(self._call("prepare", str(pieces), str(customers)))

    def open(self, *, seed: int) -> None:
        self._process = subprocess.Popen(
            self._command("rush", self._site, str(self._shop), str(self.history), str(seed)),
            cwd=settings.ROOT,
            env=self._environment,
        )

    def wait(self, *, seconds: float) -> None:
        """Until everybody has bought, or was refused."""
        process = self._process
        assert process is not None
        wait_for(lambda: process.poll() is not None, seconds=seconds, what="the end of the rush")
        assert process.returncode == 0
        self._process = None

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def answers(self, kind: str = "") -> list[dict[str, Any]]:
        """What was answered so far; the last line may be half written."""
        lines = self.history.read_text().rpartition("\n")[0].splitlines()
        return [answer for answer in map(json.loads, lines) if not kind or kind in answer]

    def pieces_ordered(self) -> int:
        quantities = {answer["order"]: answer["quantity"] for answer in self.answers("order")}
        return sum(quantities.values())

    def hasten(self) -> None:
        self._call("hasten")

    def check(self) -> dict[str, Any]:
        return json.loads(self._call("check"))

    def _call(self, *arguments: str) -> str:
        said = subprocess.run(
            self._command(*arguments),
            cwd=settings.ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        return said.stdout

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tests.faults.buyers", *arguments]


def test_a_rush_survives_the_death_of_web_worker_and_database(folder, tmp_path):  # noqa: F811
    seed = int(os.environ.get("TONGDAO_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    kills = plan(seed)
    pieces = PIECES_BETWEEN * (len(kills) + 1)
    print(f"TONGDAO_FAULT_SEED={seed}: {len(kills)} kills while {pieces} pieces are sold")
    product = Product(folder, tmp_path / "run.log")
    watch = Watch(folder)
    crowd = None
    busy = 0
    try:
        product.wait_until_running()
        crowd = Crowd(product, tmp_path)
        crowd.prepare(pieces=pieces, customers=pieces)
        begun = time.monotonic()
        crowd.open(seed=seed)
        for number, (name, pause) in enumerate(kills, start=1):
            share = PIECES_BETWEEN * number
            wait_for(lambda: crowd.pieces_ordered() >= share, seconds=STALL_SECONDS, what=f"{share} pieces")  # noqa: B023
            answered, done = len(crowd.answers()), watch.ask(DONE) or 0
            time.sleep(pause)
            moved = len(crowd.answers()) - answered, (watch.ask(DONE) or done) - done
            pid = product.kill(name)
            wait_for(lambda: pid not in product.pids(name), seconds=10, what=f"the end of {name}")  # noqa: B023
            busy += any(moved)
            print(
                f"{time.monotonic() - begun:5.1f} s {name} killed at {crowd.pieces_ordered()} pieces ordered; in the"
                f" {pause:.2f} s before: {moved[0]} answers, {moved[1]} jobs done"
            )
        crowd.wait(seconds=2 * STALL_SECONDS)
        print(f"{time.monotonic() - begun:5.1f} s everybody has bought or was refused")
        wait_for(lambda: is_up(product), seconds=RECOVERY_SECONDS, what="everything running")
        crowd.hasten()
        wait_for(lambda: watch.ask(OPEN) == 0, seconds=RECOVERY_SECONDS, what="nothing on its way")
        print(f"{time.monotonic() - begun:5.1f} s every order is closed or paid, every refund paid")
        check_rush(crowd.answers(), crowd.check())
        assert_restarted(product, kills)
        assert busy >= len(kills) / 2, "the kills came at idle moments"
        product.stop()
    finally:
        if crowd:
            crowd.end()
        product.end()


def is_up(product: Product) -> bool:
    names = ("web", "web child", "worker", "worker child", "relay", "postgres", "valkey")
    try:
        return (
            all(product.pids(name) for name in names)
            and httpx.get(f"{product.site()}/healthz", timeout=5).is_success
        )
    except httpx.TransportError:
        return False


def check_rush(answers: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    """What was answered is there, once; who paid has his coupons or his money; every piece is somewhere."""
    assert truth["dead"] == []
    assert truth["broken"] == {}
    orders, charges = truth["orders"], truth["charges"]
    placed = {answer["key"]: answer["order"] for answer in answers if "order" in answer}
    assert truth["keys"] == placed, "answered and kept orders differ"
    assert sorted(orders) == sorted(placed.values()), "each key has its one order, each order its key"
    for number, order in orders.items():
        assert order["state"] in ("paid", "closed"), (number, order)
        assert order["coupons"] == (order["quantity"] if order["state"] == "paid" else 0), (number, order)
    pressed = {answer["reference"] for answer in answers if answer.get("pressed", "fail") != "fail"}
    assert {reference for reference, charge in charges.items() if charge["paid"]} == pressed
    outcomes: Counter[str] = Counter()
    for reference, charge in charges.items():
        order = orders[charge["order"]]
        assert charge["received"] == charge["paid"], (reference, charge)
        if order["state"] == "paid":
            assert charge["paid"], (reference, charge, order)
            assert charge["back_fen"] == order["back"] * order["price_fen"], (reference, charge, order)
            outcomes["paid"] += 1
        else:  # closed before the money came: all of it went back
            assert charge["back_fen"] == (charge["amount_fen"] if charge["paid"] else 0), (reference, charge)
            outcomes["late, given back" if charge["paid"] else "never paid"] += 1
    assert outcomes["paid"] == sum(order["state"] == "paid" for order in orders.values()), (
        "paid without money"
    )
    cancelled = {answer["cancelled"] for answer in answers if "cancelled" in answer}
    assert all(orders[number]["state"] == "closed" for number in cancelled)
    back = sum(order["back"] for order in orders.values())
    asked_back = {answer["refunded"] for answer in answers if "refunded" in answer}
    lost_yes = {answer["coupon"] for answer in answers if answer.get("refused") == "coupon_not_refundable"}
    assert back == len(asked_back | lost_yes) > 0
    stock = truth["stock"]
    assert stock["held"] == 0
    assert stock["sold"] == sum(order["coupons"] - order["back"] for order in orders.values())
    assert stock["sold"] + stock["free"] == stock["total"]
    refused = Counter(answer["refused"] for answer in answers if "refused" in answer)
    assert refused["sold_out"] > 0, "it never sold out"
    lost = Counter(str(answer["lost"]) for answer in answers if "lost" in answer)
    assert lost, "no kill lost an answer"
    print(f"{len(orders)} orders, {dict(outcomes)}, {len(cancelled)} cancelled, {back} coupons given back")
    print(f"stock {stock}; refused {dict(refused)}; sent again after {dict(lost)}")


def assert_restarted(product: Product, kills: list[tuple[str, float]]) -> None:
    """Each came back, by the supervisor's own word; of children, their masters see to it."""
    said = Counter(
        line.partition(" is running again")[0]
        for line in product.said().splitlines()
        if "is running again" in line
    )
    killed = Counter(name for name, _ in kills)
    print("killed:", dict(killed), "running again:", dict(said))
    for name, spoken in (("web", "web"), ("worker", "worker"), ("postgres", "PostgreSQL")):
        # One that is killed while it starts is not announced twice.
        assert said[spoken] >= 1, f"{name} was killed {killed[name]} times"
