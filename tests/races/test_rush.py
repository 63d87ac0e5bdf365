"""Fifty pieces, a thousand buyers, sixty-four at a time: fifty are sold, whoever comes first, and none twice.

RUSH_ROUNDS says how many times (1; docs/performance.md tells of 20).
"""

import importlib
import itertools
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection

from core.invariants import check_invariants
from coupons.domain.entrances import add_link, set_pieces, take_back
from coupons.domain.orders import SoldOut, close_order
from coupons.domain.stock import change_stock, close_pool, count_pool
from coupons.enums import Entrance, OrderCloseReason, StockPoolKind
from coupons.models import Deal, DealPurchase, DealStock, Order, StockPool, StockSlot
from coupons.tests.test_stock import session_pool
from coupons.tests.town import Town, make_customer
from identity.models import Customer, User
from tests.races.racing import Held, Side, count_codes, race, race_once

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

ROUNDS = int(os.environ.get("RUSH_ROUNDS", "1"))
AT_A_TIME = 64
BUYERS = 1000
PIECES = 50


def make_customers(count: int) -> list[Customer]:
    users = User.objects.bulk_create(User(name=f"顾客{number}", password="!") for number in range(count))
    return Customer.objects.bulk_create(
        Customer(user=user, sign_in_provider="sandbox", open_id=f"rush-{user.pk}") for user in users
    )


def rush(town: Town, deal: Deal, customers: list[Customer]) -> dict[str, int]:
    """Every customer orders one piece, AT_A_TIME of them at the same moment; how many were answered how."""
    lanes = [
        [partial(town.order, deal=deal, customer=customer) for customer in customers[lane::AT_A_TIME]]
        for lane in range(AT_A_TIME)
    ]
    longest = max(map(len, lanes))
    padded = [[*lane, *[lambda: None] * (longest - len(lane))] for lane in lanes]
    answers = [answer for answer in itertools.chain(*race(*padded)) if answer is not None]
    return dict(count_codes(answers))


def test_fifty_pieces_for_a_thousand_buyers(town: Town) -> None:
    customers = make_customers(BUYERS)
    for _ in range(ROUNDS):
        deal = town.make_deal(stock=PIECES)
        assert rush(town, deal, customers) == {"done": PIECES, "sold_out": BUYERS - PIECES}
        stock = DealStock.objects.get(deal=deal)
        assert (stock.total, stock.held, stock.sold, stock.free) == (PIECES, PIECES, 0, 0)
        assert Order.objects.filter(deal=deal).count() == PIECES
        assert DealPurchase.objects.filter(deal=deal, quantity=1).count() == PIECES
    assert check_invariants().broken == {}


@contextmanager
def guard_off() -> Iterator[None]:
    """Pieces are looked at, then written as they were seen less what is taken: without the lock between the two."""
    migration = importlib.import_module("coupons.migrations.0010_stock_moved_into_slots")
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE OR REPLACE FUNCTION coupons_take_pieces(pool bigint, pieces int, start int, slots int)
            RETURNS bigint LANGUAGE plpgsql AS $$
            DECLARE seen record;
            BEGIN
                SELECT id, free, held INTO seen FROM coupons_stockslot
                WHERE pool_id = pool AND free >= pieces ORDER BY (number + start) % slots LIMIT 1;
                PERFORM pg_sleep(0.002);
                UPDATE coupons_stockslot SET free = seen.free - pieces, held = seen.held + pieces WHERE id = seen.id;
                RETURN seen.id;
            END $$""")
    try:
        yield
    finally:
        call_command("flush", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            cursor.execute(migration.TAKE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def test_negative_control_without_the_guard_more_is_sold_than_there_is(town: Town) -> None:
    with guard_off():
        deal = town.make_deal(stock=PIECES)
        answers = rush(town, deal, make_customers(4 * AT_A_TIME))
        assert answers["done"] > PIECES
        assert Order.objects.filter(deal=deal).count() == answers["done"]
        assert check_invariants().broken


def test_orders_of_many_sizes_take_the_last_piece(town: Town) -> None:
    """Whoever is told "sold out" wanted more than was left at that moment; in the end single pieces find all of them."""
    deal = town.make_deal(stock=PIECES)
    lanes = [
        [
            partial(town.order, deal=deal, customer=make_customer(), quantity=1 + (lane * 7 + n) % 9)
            for n in range(4)
        ]
        for lane in range(16)
    ]
    race(*lanes)
    left = DealStock.objects.get(deal=deal).free
    single = partial(town.order, deal=deal, customer=make_customer())
    assert count_codes(race_once(*[single] * 12)) == Counter(done=min(left, 12), sold_out=12 - min(left, 12))
    assert sum(Order.objects.values_list("quantity", flat=True)) == DealStock.objects.get(deal=deal).held
    assert check_invariants().broken == {}


def test_buyers_and_returns_at_once_lose_no_piece(town: Town) -> None:
    """Half of the lanes buy, half close what was bought before: what comes back is sold again or free, never gone."""
    deal = town.make_deal(stock=PIECES)
    placed = [town.order(deal=deal, customer=make_customer()) for _ in range(PIECES)]
    close = lambda order: partial(  # noqa: E731
        close_order, order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.TIMEOUT
    )
    closing = [[close(order) for order in placed[lane::8]] for lane in range(8)]
    length = max(map(len, closing))
    closing = [lane + [lambda: None] * (length - len(lane)) for lane in closing]
    buying = [
        [partial(town.order, deal=deal, customer=make_customer()) for _ in range(length)] for _ in range(8)
    ]
    answers = race(*closing, *buying)
    bought = count_codes(itertools.chain(*answers[8:]))["done"]
    stock = DealStock.objects.get(deal=deal)
    assert (stock.held, stock.free, stock.total) == (bought, PIECES - bought, PIECES)
    assert check_invariants().broken == {}


def test_stock_without_end_never_says_sold_out_however_many_write_it(town: Town) -> None:
    deal = town.make_deal(stock=None)
    lock_slots = lambda: list(StockSlot.objects.select_for_update().filter(deal=deal))  # noqa: E731
    with Held(lock_slots):
        buying = Side(partial(town.order, deal=deal))
        assert buying.waits_for_a_lock()
    assert buying.result().quantity == 1


def test_pieces_somebody_may_still_give_back_are_waited_for(town: Town) -> None:
    """All slots are being written: the buyer waits and buys, rather than hear "sold out" while pieces are left."""
    deal = town.make_deal(stock=PIECES)
    lock_slots = lambda: list(StockSlot.objects.select_for_update().filter(deal=deal))  # noqa: E731
    with Held(lock_slots):
        buying = Side(partial(town.order, deal=deal))
        assert buying.waits_for_a_lock()
    assert buying.result().quantity == 1


def test_stock_that_got_an_end_while_a_buyer_waited_is_not_oversold(town: Town) -> None:
    """He asked while there was no end, and somebody was setting one: then its pieces are counted against it."""
    deal = town.make_deal(stock=None)
    with Held(partial(change_stock, deal=deal, total=1)):
        buying = Side(partial(town.order, deal=deal))
        assert buying.waits_for_a_lock()
    assert buying.result().quantity == 1
    stock = DealStock.objects.get(deal=deal)
    assert (stock.total, stock.free, stock.held) == (1, 0, 1)
    with Held(partial(change_stock, deal=deal, total=None)):
        pass
    with Held(partial(change_stock, deal=deal, total=1)):
        buying = Side(partial(town.order, deal=deal, customer=make_customer()))
        assert buying.waits_for_a_lock()
    assert isinstance(buying.result(), SoldOut)
    assert check_invariants().broken == {}


def test_stock_that_lost_its_end_while_a_buyer_waited_sells(town: Town) -> None:
    deal = town.make_deal(stock=PIECES)
    with Held(partial(change_stock, deal=deal, total=None)):
        buying = Side(partial(town.order, deal=deal))
        assert buying.waits_for_a_lock()
    assert buying.result().quantity == 1
    stock = DealStock.objects.get(deal=deal)
    assert (stock.total, stock.free, stock.held) == (None, None, 1)
    assert check_invariants().broken == {}


def test_a_session_ends_while_its_buyers_buy_and_leave(town: Town) -> None:
    deal = town.make_deal(stock=40)
    pool, card = session_pool(deal, 30)
    placed = [town.order(deal=deal, placement=card, customer=make_customer()) for _ in range(8)]
    answers = race_once(
        partial(close_pool, pool=pool),
        *[
            partial(town.order, deal=deal, placement=card, customer=make_customer(), quantity=2)
            for _ in range(6)
        ],
        *[
            partial(
                close_order, order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER
            )
            for order in placed
        ],
    )
    assert not [answer for answer in answers if isinstance(answer, SoldOut)]
    general = count_pool(pool=StockPool.objects.get(deal=deal, kind=StockPoolKind.GENERAL))
    session = count_pool(pool=pool)
    assert (session.free, session.held + general.held) == (0, 12)
    assert (general.free, (general.total or 0) + (session.total or 0)) == (28, 40)
    assert check_invariants().broken == {}


@pytest.mark.parametrize("_round", range(4))
def test_pieces_are_set_aside_anew_while_buyers_come_and_leave(town: Town, _round: int) -> None:
    """Taken back and set aside again by two colleagues, while pieces of the closed allotment come back: none is lost."""
    town.deal = town.make_deal(stock=40)
    deal, entrance = town.deal, Entrance.SHORT_VIDEO
    link = add_link(deal=deal, entrance=entrance, label="视频", by=town.owner)
    set_pieces(deal=deal, entrance=entrance, pieces=20, by=town.owner)
    link.refresh_from_db()
    placed = [town.order(placement=link, customer=make_customer()) for _ in range(8)]
    take_back(deal=deal, entrance=entrance, by=town.owner)
    close = partial(close_order, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)
    answers = race(
        [
            partial(set_pieces, deal=deal, entrance=entrance, pieces=20, by=town.owner),
            partial(take_back, deal=deal, entrance=entrance, by=town.owner),
            partial(set_pieces, deal=deal, entrance=entrance, pieces=12, by=town.owner),
        ],
        [
            partial(take_back, deal=deal, entrance=entrance, by=town.owner),
            partial(set_pieces, deal=deal, entrance=entrance, pieces=15, by=town.owner),
            partial(take_back, deal=deal, entrance=entrance, by=town.owner),
        ],
        [partial(close, order_id=order.pk) for order in placed[:3]],
        [partial(close, order_id=order.pk) for order in placed[3:6]],
        [partial(town.order, placement=link, customer=make_customer(), quantity=2) for _ in range(3)],
    )
    assert count_codes(itertools.chain(*answers)) == {"done": 15}
    stock = DealStock.objects.get(deal=deal)
    assert (stock.total, stock.held) == (40, 8)
    assert check_invariants().broken == {}
