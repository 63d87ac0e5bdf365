"""Links by hand and pieces of an entrance's own: what they sell, and what they count."""

from collections.abc import Iterator
from typing import Any

import pytest
from django_scopes import scopes_disabled

from core.errors import Invalid
from core.invariants import check_invariants
from coupons.domain import entrances
from coupons.domain.deal_states import DealNotInState, end_deal
from coupons.domain.entrances import (
    EntranceFigures,
    TooManyLinks,
    add_link,
    close_link,
    count_entrances,
    set_pieces,
    take_back,
)
from coupons.domain.orders import close_order
from coupons.domain.stock import StockBelowSold, StockTooSmall
from coupons.enums import DealState, Entrance, OrderCloseReason
from coupons.models import Deal, DealStock, Order, Placement, StockPool
from coupons.tests.town import Town, make_town
from identity.models import AuditEvent

pytestmark = pytest.mark.django_db

VIDEO, RANKING = Entrance.SHORT_VIDEO, Entrance.RANKING


@pytest.fixture(autouse=True)
def _everything_seen() -> Iterator[None]:
    with scopes_disabled():
        yield


@pytest.fixture
def town() -> Town:
    return make_town()


def row(deal: Deal, entrance: Entrance = VIDEO) -> EntranceFigures:
    return next(figures for figures in count_entrances(deal=deal) if figures.entrance == entrance)


def link(town: Town, entrance: Entrance = VIDEO, label: str = "探店视频") -> Placement:
    return add_link(deal=town.deal, entrance=entrance, label=label, by=town.owner)


def figures(deal: Deal) -> tuple[int | None, int, int, int | None]:
    stock = DealStock.objects.get(deal=deal)
    return stock.total, stock.held, stock.sold, stock.free


def assert_nothing_broken() -> None:
    assert check_invariants().broken == {}


def verbs(town: Town) -> list[str]:
    return list(
        AuditEvent.objects.filter(merchant_id=town.merchant.pk, noun="deal")
        .order_by("id")
        .values_list("verb", flat=True)
    )


class TestPieces:
    def test_links_made_before_and_after_sell_the_entrances_pieces(self, town: Town) -> None:
        early = link(town)
        sold_before = town.order(placement=early)

        set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)
        late = link(town, label="第二条")
        elsewhere = link(town, RANKING)
        for placement in (early, late, elsewhere):
            placement.refresh_from_db()
            town.order(placement=placement, quantity=2)

        pools = {order.placement_id: order.stock_slot.pool.kind for order in Order.objects.order_by("id")}
        assert sold_before.stock_slot.pool.kind == "general"
        assert pools == {early.pk: "entrance", late.pk: "entrance", elsewhere.pk: "general"}
        video = row(town.deal)
        assert (video.pieces, video.free, video.taken, video.waiting, video.sold) == (5, 1, 4, 5, 0)
        assert figures(town.deal) == (100, 7, 0, 92)
        assert verbs(town) == [
            "placement.create",
            "deal.entrance_pieces",
            "placement.create",
            "placement.create",
        ]
        assert_nothing_broken()

    def test_pieces_go_up_and_down_but_not_below_what_is_taken(self, town: Town) -> None:
        card = link(town)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=10, by=town.owner)
        town.order(placement=Placement.objects.get(pk=card.pk), quantity=4)

        with pytest.raises(StockBelowSold) as below:
            set_pieces(deal=town.deal, entrance=VIDEO, pieces=3, by=town.owner)
        with pytest.raises(StockTooSmall) as above:
            set_pieces(deal=town.deal, entrance=VIDEO, pieces=101, by=town.owner)

        assert (below.value.facts, above.value.facts) == ({"taken": 4}, {"left": 90})
        assert row(town.deal).pieces == 10
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=100, by=town.owner)
        assert figures(town.deal) == (100, 4, 0, 0)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=4, by=town.owner)
        assert figures(town.deal) == (100, 4, 0, 96)
        assert_nothing_broken()

    def test_taken_back_its_links_sell_from_the_general_stock_and_anew_from_their_own(
        self, town: Town
    ) -> None:
        card = link(town)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=10, by=town.owner)
        card.refresh_from_db()
        first = town.order(placement=card, quantity=3)

        assert take_back(deal=town.deal, entrance=VIDEO, by=town.owner) == 7
        assert take_back(deal=town.deal, entrance=VIDEO, by=town.owner) == 0
        assert row(town.deal).pieces is None
        second = town.order(placement=card)
        close_order(order_id=first.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)
        assert figures(town.deal) == (100, 1, 0, 99)

        with pytest.raises(StockTooSmall):
            set_pieces(deal=town.deal, entrance=VIDEO, pieces=100, by=town.owner)
        assert row(town.deal).pieces is None
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=2, by=town.owner)
        third = town.order(placement=card, quantity=2)

        kinds = [order.stock_slot.pool.kind for order in (first, second, third)]
        assert kinds == ["entrance", "general", "entrance"]
        assert StockPool.objects.filter(deal=town.deal, kind="entrance").count() == 1
        assert verbs(town).count("deal.entrance_take_back") == 1
        assert_nothing_broken()

    def test_what_an_entrance_sold_before_counts_when_pieces_are_set_aside_anew(self, town: Town) -> None:
        card = link(town)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=10, by=town.owner)
        card.refresh_from_db()
        town.pay(town.order(placement=card, quantity=3))
        take_back(deal=town.deal, entrance=VIDEO, by=town.owner)

        with pytest.raises(StockBelowSold) as refused:
            set_pieces(deal=town.deal, entrance=VIDEO, pieces=2, by=town.owner)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)

        assert refused.value.facts == {"taken": 3}
        video = row(town.deal)
        assert (video.pieces, video.free, video.sold) == (5, 2, 3)
        assert figures(town.deal) == (100, 0, 3, 95)
        assert_nothing_broken()

    def test_stock_without_end_stays_without_end(self, town: Town) -> None:
        town.deal = town.make_deal(stock=None)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)
        take_back(deal=town.deal, entrance=VIDEO, by=town.owner)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=7, by=town.owner)
        assert (row(town.deal).free, figures(town.deal)[3]) == (7, None)
        assert_nothing_broken()

    @pytest.mark.parametrize(
        "state", [DealState.DRAFT, DealState.IN_REVIEW, DealState.REJECTED, DealState.ENDED]
    )
    def test_a_deal_that_is_not_sold_gets_neither_links_nor_pieces(
        self, town: Town, state: DealState
    ) -> None:
        town.deal = town.make_deal(state=state)
        with pytest.raises(DealNotInState):
            set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)
        with pytest.raises(DealNotInState):
            link(town)
        assert (Placement.objects.count(), verbs(town)) == (0, [])

    def test_pieces_of_an_ended_deal_can_still_be_taken_back(self, town: Town) -> None:
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)
        end_deal(deal=town.deal, by=town.owner)
        assert take_back(deal=town.deal, entrance=VIDEO, by=town.owner) == 5
        assert_nothing_broken()

    def test_live_cards_are_their_sessions(self, town: Town) -> None:
        for refused in (
            lambda: link(town, Entrance.LIVE_CARD),
            lambda: set_pieces(deal=town.deal, entrance=Entrance.LIVE_CARD, pieces=5, by=None),
        ):
            with pytest.raises(Invalid) as error:
                refused()
            assert error.value.facts["field"] == "entrance"


class TestLinks:
    def test_a_closed_link_counts_no_more_but_keeps_what_it_sold(self, town: Town) -> None:
        card = link(town)
        town.pay(town.order(placement=card, quantity=2))

        close_link(placement=card, by=town.owner)
        close_link(placement=card, by=town.owner)

        video = row(town.deal)
        assert (video.sold, video.open_links, len(video.links)) == (2, [], 1)
        assert verbs(town).count("placement.close") == 1

    def test_there_is_an_end_to_links(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(entrances, "MOST_LINKS", 2)
        first = link(town)
        link(town)
        with pytest.raises(TooManyLinks) as refused:
            link(town)
        assert refused.value.facts == {"limit": 2}
        close_link(placement=first, by=town.owner)
        link(town)

    def test_figures_cost_the_same_with_one_link_and_with_many(
        self, town: Town, django_assert_num_queries: Any
    ) -> None:
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)
        for number in range(3):
            link(town, label=f"视频 {number}")
            with django_assert_num_queries(4):
                count_entrances(deal=town.deal)
