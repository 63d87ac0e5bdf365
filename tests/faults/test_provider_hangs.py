"""A payment company that never answers holds up its own refunds, and no order's closing: with real Celery workers."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from core.embedded import Servers
from core.supervisor import Child, product_commands
from core.supervisor.commands import CELERY
from core.tests.test_embedded import folder, manage, servers  # noqa: F401 - two fixtures
from tests.faults.product import Watch, environment, wait_for

pytestmark = pytest.mark.fault

REFUNDS = 8
PROCESSES = 2  # of each worker
# The sandbox answers from books of its own: whoever holds them keeps every refund hanging, for as long as he likes.
HOLD_BOOKS = "LOCK TABLE coupons_sandboxcharge IN SHARE MODE"
HANGING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%coupons_sandboxcharge%'"
SHOP = f"""
import json
from django_scopes import scopes_disabled
from coupons.domain.refunds import request_refund
from coupons.tests.town import make_town
with scopes_disabled():
    town = make_town()
    for coupon in town.buy(quantity={REFUNDS}):
        request_refund(coupon=coupon, by=town.owner)
print(json.dumps({{"merchant": town.merchant.pk}}))
"""
UNPAID = """
import json
from datetime import timedelta
from django.utils import timezone
from django_scopes import scopes_disabled
from coupons.domain.orders import place_order
from coupons.models import Deal
from identity.models import Customer
with scopes_disabled():
    deal = Deal.objects.select_related("merchant").get()
    order = place_order(merchant=deal.merchant, deal_id=deal.pk, customer=Customer.objects.get(), quantity=3,
        at=timezone.now() - timedelta(minutes=20))
print(json.dumps({"order": order.pk}))
"""
HELD = "SELECT sum(held) FROM coupons_dealstock"
PAID_OUT = "SELECT count(*) FROM coupons_refund WHERE state = 'paid_out'"
CLOSING = "SELECT {} FROM core_job WHERE kind = 'close_order' AND key LIKE '%{}'"


def run(script: str, servers: Servers) -> dict[str, int]:  # noqa: F811
    said = manage("shell", "--verbosity", "0", "-c", script, folder=servers.folder)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout.splitlines()[-1])


@contextmanager
def running(commands: dict[str, list[str]], servers: Servers, logs) -> Iterator[None]:  # noqa: F811
    variables = environment(servers.folder) | servers.environment()
    children = [
        Child(name, argv, log=logs / f"{name}.log", environment=variables) for name, argv in commands.items()
    ]
    try:
        for child in children:
            child.start()
        yield
    finally:
        for child in children:
            child.kill()
            child.wait_until_stopped(time.monotonic() + 5)
            print(child.name, child.log.read_text()[-1500:])


@contextmanager
def hanging_provider(servers: Servers) -> Iterator[psycopg.Connection]:  # noqa: F811
    """Until the connection commits, or the block is left."""
    with psycopg.connect(servers.postgres.url) as books:
        books.execute(HOLD_BOOKS)
        yield books


@pytest.fixture
def watch(servers):  # noqa: F811
    manage("migrate", folder=servers.folder)
    run(SHOP, servers)
    return Watch(servers.folder)


def test_an_unpaid_order_closes_while_every_refund_hangs(servers, watch, tmp_path):  # noqa: F811
    commands = {name: argv for name, argv in product_commands(listener=0).items() if name != "web"}
    with ExitStack() as stack:
        books = stack.enter_context(hanging_provider(servers))
        stack.enter_context(running(commands, servers, tmp_path))
        wait_for(
            lambda: watch.ask(HANGING) == PROCESSES, seconds=90, what="workers that hang at the provider"
        )
        order = run(UNPAID, servers)["order"]

        closed = f"SELECT sum(quantity) FROM coupons_order WHERE id = {order} AND state = 'closed'"
        wait_for(lambda: watch.ask(closed) == 3, seconds=60, what="the unpaid order closed")

        assert watch.ask(HELD) == 0, "its stock is back"
        assert (watch.ask(PAID_OUT), watch.ask(HANGING)) == (0, PROCESSES), "it hung all the while"
        books.commit()
        wait_for(lambda: watch.ask(PAID_OUT) == REFUNDS, seconds=120, what="the refunds paid out")


def test_in_one_queue_for_all_it_would_wait(servers, watch, tmp_path):  # noqa: F811
    """The negative control: one worker for both queues. However often it is rung for the order, nobody closes it."""
    commands = {
        "relay": [sys.executable, "manage.py", "relay"],
        "worker": [*CELERY, "worker", "--pool", "prefork", "--concurrency", str(PROCESSES)],
    }
    with ExitStack() as stack:
        books = stack.enter_context(hanging_provider(servers))
        stack.enter_context(running(commands, servers, tmp_path))
        wait_for(
            lambda: watch.ask(HANGING) == PROCESSES, seconds=90, what="workers that hang at the provider"
        )
        order = run(UNPAID, servers)["order"]
        with psycopg.connect(servers.postgres.url, autocommit=True) as relay:
            for _ in range(3):
                wait_for(
                    lambda: watch.ask(CLOSING.format("count(lease_until)", order)) == 1,
                    seconds=60,
                    what="a ring for the order",
                )
                relay.execute("UPDATE core_job SET lease_until = NULL WHERE kind = 'close_order'")
        assert (watch.ask(HELD), watch.ask(HANGING)) == (3, PROCESSES)
        assert watch.ask(CLOSING.format("attempts", order)) == 0, "a worker took it"
        books.commit()
        wait_for(lambda: watch.ask(HELD) == 0, seconds=120, what="the unpaid order's stock back")
