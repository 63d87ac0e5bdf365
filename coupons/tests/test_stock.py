"""Stock in slots and pools: exact to the last piece, allotments that nobody else can buy and that come back."""

from functools import partial

import pytest
from django_scopes import scopes_disabled

from core.domain.jobs import run_due_jobs
from core.invariants import check_invariants
from coupons.domain import orders
from coupons.domain.orders import SoldOut, close_order
from coupons.domain.placements import close_placement, create_placement, find_placement
from coupons.domain.refunds import request_refund
from coupons.domain.stock import (
    SLOTS,
    PoolCount,
    StockBelowSold,
    StockPoolClosed,
    StockTooSmall,
    allot_stock,
    change_allotment,
    change_stock,
    close_pool,
    count_pool,
)
from coupons.enums import Entrance, OrderCloseReason, StockPoolKind
from coupons.models import Deal, DealStock, Order, Placement, StockPool, StockSlot
from coupons.tests.town import Town, make_customer, make_town

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_scope():
    with scopes_disabled():
        yield


@pytest.fixture
def town() -> Town:
    return make_town()


def general(deal: Deal) -> PoolCount:
    return count_pool(pool=StockPool.objects.get(deal=deal, kind=StockPoolKind.GENERAL))


def figures(deal: Deal) -> tuple[int | None, int, int, int | None]:
    stock = DealStock.objects.get(deal=deal)
    return stock.total, stock.held, stock.sold, stock.free


def session_pool(deal: Deal, pieces: int) -> tuple[StockPool, Placement]:
    pool = allot_stock(deal=deal, kind=StockPoolKind.SESSION, pieces=pieces)
    return pool, create_placement(deal=deal, entrance=Entrance.LIVE_CARD, pool=pool)


def assert_nothing_broken() -> None:
    assert check_invariants().broken == {}


def test_pieces_are_spread_over_the_slots_and_none_is_lost(town: Town) -> None:
    deal = town.make_deal(stock=50)
    free = list(StockSlot.objects.filter(deal=deal).order_by("number").values_list("free", flat=True))
    assert free == [4] * 2 + [3] * 14
    assert figures(deal) == (50, 0, 0, 50)


def test_the_last_pieces_are_gathered_from_all_slots(town: Town) -> None:
    deal = town.make_deal(stock=SLOTS)  # one in each: no slot has three

    order = town.order(deal=deal, quantity=3)

    assert general(deal) == PoolCount(total=16, free=13, held=3, sold=0)
    assert order.stock_slot.held == 3
    assert sorted(StockSlot.objects.filter(deal=deal).values_list("free", flat=True)) == [0] * 3 + [1] * 13
    with pytest.raises(SoldOut) as refused:
        for _ in range(2):
            town.order(deal=deal, quantity=10)
    assert refused.value.facts == {"left": 3}
    assert [town.order(deal=deal, quantity=1).quantity for _ in range(3)] == [1, 1, 1]
    with pytest.raises(SoldOut):
        town.order(deal=deal)
    assert_nothing_broken()


def test_every_piece_can_be_bought_one_after_another(town: Town) -> None:
    deal = town.make_deal(stock=21)
    for _ in range(21):
        town.order(deal=deal)
    with pytest.raises(SoldOut) as refused:
        town.order(deal=deal)
    assert refused.value.facts == {"left": 0}
    assert figures(deal) == (21, 21, 0, 0)


def test_what_was_allotted_is_for_its_buyers_alone_and_the_sum_stays(town: Town) -> None:
    deal = town.make_deal(stock=10)
    pool, card = session_pool(deal, 4)
    assert (general(deal).free, count_pool(pool=pool).free) == (6, 4)

    for _ in range(4):
        town.order(deal=deal, placement=card)
    with pytest.raises(SoldOut):
        town.order(deal=deal, placement=card)
    town.order(deal=deal, quantity=6)
    with pytest.raises(SoldOut):
        town.order(deal=deal)

    assert figures(deal) == (10, 10, 0, 0)
    assert set(Order.objects.filter(placement=card).values_list("entrance", flat=True)) == {"live_card"}
    assert_nothing_broken()


def test_more_than_is_free_cannot_be_allotted(town: Town) -> None:
    deal = town.make_deal(stock=10)
    town.order(deal=deal, quantity=3)
    with pytest.raises(StockTooSmall) as refused:
        session_pool(deal, 8)
    assert refused.value.facts == {"left": 7}
    assert (StockPool.objects.filter(deal=deal).count(), general(deal).free) == (1, 7)


def test_an_allotment_grows_and_shrinks_with_the_general_pool(town: Town) -> None:
    deal = town.make_deal(stock=20)
    pool, card = session_pool(deal, 5)
    town.order(deal=deal, placement=card, quantity=2)

    change_allotment(pool=pool, pieces=9)
    assert (general(deal).free, count_pool(pool=pool).free) == (11, 7)
    change_allotment(pool=pool, pieces=2)
    assert (general(deal).free, count_pool(pool=pool).free) == (18, 0)
    with pytest.raises(StockBelowSold):
        change_allotment(pool=pool, pieces=1)
    with pytest.raises(StockTooSmall):
        change_allotment(pool=pool, pieces=21)

    assert figures(deal) == (20, 2, 0, 18)
    assert_nothing_broken()


def test_a_closed_pool_gives_back_what_is_left_and_what_comes_back_later(town: Town) -> None:
    deal = town.make_deal(stock=20)
    pool, card = session_pool(deal, 8)
    unpaid = town.order(deal=deal, placement=card, quantity=3)
    paid = town.order(deal=deal, placement=card, quantity=2)
    town.pay(paid)

    assert close_pool(pool=pool) == 3
    assert close_pool(pool=pool) == 0
    assert general(deal) == PoolCount(total=15, free=15, held=0, sold=0)

    close_order(order_id=unpaid.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)
    assert general(deal).free == 18
    request_refund(coupon=paid.coupons.order_by("id")[0], by=town.customer.user)
    run_due_jobs(kinds=["pay_refund"])
    assert general(deal) == PoolCount(total=19, free=19, held=0, sold=0)
    assert count_pool(pool=pool) == PoolCount(total=1, free=0, held=0, sold=1)
    with pytest.raises(StockPoolClosed):
        change_allotment(pool=pool, pieces=5)
    assert_nothing_broken()


def test_a_card_of_a_closed_pool_sells_what_everybody_may_buy(town: Town) -> None:
    deal = town.make_deal(stock=5)
    pool, card = session_pool(deal, 5)
    close_pool(pool=pool)
    order = town.order(deal=deal, placement=card, quantity=5)
    assert (order.stock_slot.pool.kind, order.entrance) == ("general", "live_card")


def test_a_session_that_ends_while_an_order_is_written_costs_the_buyer_nothing(
    town: Town, monkeypatch
) -> None:
    """Read as open, closed before the pieces are taken: the order asks again and finds them in the general pool."""
    deal = town.make_deal(stock=5)
    pool, card = session_pool(deal, 5)
    fetch = orders.fetch_offered_deal

    def fetch_then_close(**what):
        found = fetch(**what)
        close_pool(pool=pool)
        return found

    monkeypatch.setattr(orders, "fetch_offered_deal", fetch_then_close)
    assert town.order(deal=deal, placement=card).stock_slot.pool.kind == "general"


def test_stock_without_end_counts_and_lends(town: Town) -> None:
    deal = town.make_deal(stock=None)
    pool, card = session_pool(deal, 2)
    town.order(deal=deal, quantity=10)
    town.order(deal=deal, placement=card, quantity=2)
    with pytest.raises(SoldOut):
        town.order(deal=deal, placement=card)
    assert figures(deal) == (None, 12, 0, None)
    close_pool(pool=pool)
    change_stock(deal=deal, total=12)
    assert figures(deal) == (12, 12, 0, 0)
    change_stock(deal=deal, total=None)
    town.order(deal=deal)
    assert_nothing_broken()


def test_the_deals_stock_cannot_fall_below_what_is_sold_and_allotted(town: Town) -> None:
    deal = town.make_deal(stock=20)
    session_pool(deal, 8)
    town.order(deal=deal, quantity=4)
    with pytest.raises(StockBelowSold) as refused:
        change_stock(deal=deal, total=11)
    assert refused.value.facts == {"taken": 12}
    change_stock(deal=deal, total=12)
    assert general(deal).free == 0


def test_one_open_allotment_for_an_entrance(town: Town) -> None:
    deal = town.make_deal(stock=20)
    pool = allot_stock(deal=deal, kind=StockPoolKind.ENTRANCE, entrance=Entrance.SHORT_VIDEO, pieces=3)
    link = create_placement(deal=deal, entrance=Entrance.SHORT_VIDEO, pool=pool, label="探店视频")
    town.order(deal=deal, placement=link, quantity=3)
    with pytest.raises(SoldOut):
        town.order(deal=deal, placement=link)


def test_a_placement_is_found_by_its_token_while_it_is_open(town: Town) -> None:
    link = create_placement(deal=town.deal, entrance=Entrance.RANKING)
    find = partial(find_placement, merchant=town.merchant)
    assert find(token=link.token) == link
    for other in ("", "x", "no-such-token-here", link.token + "'", "　" * 12):
        assert find(token=other) is None
    assert find_placement(merchant=make_town("other", "别家").merchant, token=link.token) is None
    close_placement(placement=link)
    assert find(token=link.token) is None


def test_a_placement_of_another_deal_lends_its_pieces_to_nobody(town: Town) -> None:
    """The order's key holds placement and slot to its own deal, whatever a caller hands over."""
    other = town.make_deal(stock=5, title="别的")
    _pool, card = session_pool(other, 5)
    with pytest.raises(Exception, match="placement_same_deal"):
        from django.db import connection, transaction

        with transaction.atomic():
            town.order(placement=card, customer=make_customer())
            connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
