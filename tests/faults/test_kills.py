"""Twenty kills in the middle of settlement: nothing lost, nothing twice, and the supervisor brings everything back.

TONGDAO_FAULT_ROUNDS repeats the twenty; TONGDAO_FAULT_SEED replays a plan.
"""

import os
import random
import sys
import time
from collections import Counter

import pytest

from core.tests.test_embedded import folder  # noqa: F401 - a fixture
from tests.faults.product import DONE, DUE, Product, Street, Watch, wait_for

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the processes to kill"),
]

KILLS = {"worker": 3, "worker child": 5, "relay": 3, "valkey": 4, "postgres": 5}
FLUSHES = 3
ROUNDS = int(os.environ.get("TONGDAO_FAULT_ROUNDS", "1"))
RECOVERY_SECONDS = 150
PROGRESS_SECONDS = 3


def plan(seed: int) -> list[tuple[str, float]]:
    """What is done, and how long after the one before: the same for the same seed."""
    dice = random.Random(seed)
    faults = [name for name, times in (KILLS | {"FLUSHALL": FLUSHES}).items() for _ in range(times)] * ROUNDS
    dice.shuffle(faults)
    return [(fault, dice.uniform(0, 0.5)) for fault in faults]


def test_nothing_is_lost_and_nothing_done_twice(folder, tmp_path):  # noqa: F811
    seed = int(os.environ.get("TONGDAO_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    print(f"TONGDAO_FAULT_SEED={seed}")
    product = Product(folder, tmp_path / "run.log")
    street = Street(folder, tmp_path / "history")
    watch = Watch(folder)
    open_jobs, done, moving, begun = [], 0, 0, time.monotonic()
    try:
        product.wait_until_running()
        street.open()
        wait_for(lambda: len(street.answers()) > 20, seconds=60, what="the first trades")
        for fault, pause in plan(seed):
            before, done = done, wait_for_progress(watch, done)
            time.sleep(pause)
            moving += done > before
            open_jobs.append(watch.ask(DUE) or 0)
            if fault == "FLUSHALL":
                product.flush_valkey()
            else:
                pid = product.kill(fault)
                wait_for(lambda: pid not in product.pids(fault), seconds=10, what=f"the end of {fault}")  # noqa: B023
            print(f"{time.monotonic() - begun:5.1f} s {fault}: {done} jobs were done and {open_jobs[-1]} due")
        street.close()
        started = time.monotonic()
        wait_for(lambda: watch.ask(DUE) == 0, seconds=RECOVERY_SECONDS, what="everything due done")
        print(f"all done {time.monotonic() - started:.1f} s after the last fault")
        check_books(street)
        assert product.process.poll() is None
        assert_restarted(product)
        print(f"{moving} of {len(open_jobs)} faults came while jobs were being done")
        assert moving >= len(open_jobs) / 4, "the kills came at idle moments"
        product.stop()
    finally:
        street.end()
        product.end()


def wait_for_progress(watch: Watch, done: int) -> int:
    """How many jobs are done, when it is more than `done`; after some patience, also when it is not."""
    deadline = time.monotonic() + PROGRESS_SECONDS
    while time.monotonic() < deadline:
        now = watch.ask(DONE)
        if now and now > done:
            return now
        time.sleep(0.05)
    return done


def check_books(street: Street) -> None:
    """What was answered is there, once; what is there adds up."""
    answers, truth = street.answers(), street.check()
    assert truth["dead"] == []
    assert truth["broken"] == {}
    redeemed = {str(answer["id"]): answer["fen"] for answer in answers if "redeem" in answer}
    assert len(redeemed) == sum("redeem" in answer for answer in answers) > 100
    assert truth["redeemed"] == redeemed, "answered and kept redemptions differ"
    assert truth["settled"] == redeemed, "each redemption has its one line"
    refunded = {str(answer["refund"]): answer["fen"] for answer in answers if "refund" in answer}
    assert truth["refunded"] == refunded
    assert truth["refunds_paid_fen"] == truth["given_back_fen"]
    print(
        f"{len(redeemed)} redemptions settled once each, {len(refunded)} coupons refunded, jobs {truth['jobs']}"
    )


def assert_restarted(product: Product) -> None:
    """Each came back, by the supervisor's own word (one that is killed while it starts is not announced twice)."""
    said = Counter(
        line.partition(" is running again")[0]
        for line in product.said().splitlines()
        if "is running again" in line
    )
    print("running again:", dict(said))
    assert said.keys() >= {"PostgreSQL", "Valkey", "relay", "worker"}
    assert all(product.pids(name) for name in KILLS)
