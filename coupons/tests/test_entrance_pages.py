"""The page of a deal's entrances, and buying by its links through the shop, as browsers do it."""

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django_scopes import scopes_disabled

from core.invariants import check_invariants
from coupons.domain.entrances import add_link, close_link, count_entrances, set_pieces
from coupons.domain.placements import create_placement
from coupons.enums import DealState, Entrance
from coupons.models import Order, Placement, StockPool
from coupons.tests.town import Town, make_customer, make_town
from identity.models import AuditEvent
from tests.api.conftest import api_of, error_of, fresh_key

VIDEO = Entrance.SHORT_VIDEO


@pytest.fixture(autouse=True)
def _nobody_counted() -> None:
    cache.clear()


@pytest.fixture
def town(db: None) -> Town:
    return make_town()


@pytest.fixture
def owner(town: Town) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(town.owner)
    return client


def stored(read: Callable[[], Any]) -> Any:
    """Looked up beside the request, of every merchant."""
    with scopes_disabled():
        return read()


def address(town: Town, place: str = "") -> str:
    return f"/m/{town.merchant.slug}/deals/{town.deal.pk}/entrances/{place}"


def words(answer: Any) -> str:
    """What a reader sees, on one line."""
    body = re.sub(r"<(script|style|template)\b.*?</\1>", " ", answer.content.decode(), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def shared_address(page: Any) -> str:
    """What the copy button copies."""
    return html.unescape(re.search(r'data-copy="([^"]+)"', page.content.decode())[1])


def buy_by(url: str, town: Town, *, quantity: int = 1) -> Any:
    """Open a shared address as somebody new, then order with what stands in it, as the page's script does."""
    parts = urlsplit(url)
    page = Client().get(f"{parts.path}?{parts.query}")
    assert page.status_code == 200
    wish = {"merchant": town.merchant.slug, "deal_id": str(town.deal.pk), "quantity": quantity}
    token = parse_qs(parts.query).get("from")
    answer = api_of(make_customer().user).post(
        "orders/", wish | ({"placement": token[0]} if token else {}), key=fresh_key()
    )
    return page, answer


class TestBuying:
    def test_a_link_is_made_shared_and_sells_its_entrances_pieces_to_the_last(
        self, town: Town, owner: Client
    ) -> None:
        made = owner.post(
            address(town, "links/"), {"entrance": "short_video", "label": "探店视频"}, follow=True
        )
        url = shared_address(made)
        saved = owner.post(address(town, "short_video/pieces/"), {"short_video-pieces": "2"}, follow=True)
        before, first = buy_by(url, town, quantity=2)
        after, second = buy_by(url, town)
        _door, anybody = buy_by(url.partition("?")[0], town)

        assert "Short video: 2 pieces of its own." in words(saved)
        assert (first.status_code, second.status_code, anybody.status_code) == (201, 409, 201)
        assert error_of(second)["code"] == "sold_out"
        assert error_of(second)["facts"] == {"left": 0}
        assert 'id="buy"' in before.content.decode()
        assert 'id="buy"' not in after.content.decode(), "sold out by this link"
        by_link, by_door = stored(
            lambda: list(Order.objects.select_related("placement", "stock_slot__pool").order_by("id"))
        )
        assert (by_link.entrance, by_link.placement.label, by_link.quantity) == ("short_video", "探店视频", 2)
        assert by_link.stock_slot.pool.kind == "entrance"
        assert (by_door.entrance, by_door.placement_id, by_door.stock_slot.pool.kind) == ("", None, "general")
        assert check_invariants().broken == {}

    def test_sold_out_for_everybody_the_link_still_has_its_pieces(self, town: Town, owner: Client) -> None:
        town.deal = town.make_deal(stock=3)
        link = add_link(deal=town.deal, entrance=VIDEO, label="视频", by=town.owner)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=2, by=town.owner)
        url = shared_address(owner.get(address(town, f"links/{link.pk}/")))

        codes = [buy_by(url.partition("?")[0], town)[1].status_code for _ in range(2)]
        by_link = [buy_by(url, town)[1].status_code for _ in range(3)]

        assert (codes, by_link) == ([201, 409], [201, 201, 409])
        assert check_invariants().broken == {}

    def test_attribution_stays_when_the_pieces_are_taken_back(self, town: Town, owner: Client) -> None:
        link = add_link(deal=town.deal, entrance=VIDEO, label="视频", by=town.owner)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=2, by=town.owner)
        url = shared_address(owner.get(address(town, f"links/{link.pk}/")))
        buy_by(url, town, quantity=2)

        taken = owner.post(address(town, "short_video/take-back/"), follow=True)
        _page, answer = buy_by(url, town, quantity=3)
        for order in stored(lambda: list(Order.objects.all())):
            town.pay(order)

        assert "0 pieces are back in general sale" in words(taken)
        assert answer.status_code == 201
        orders = stored(
            lambda: list(Order.objects.order_by("id").values_list("entrance", "stock_slot__pool__kind"))
        )
        assert orders == [("short_video", "entrance"), ("short_video", "general")]
        assert "Short video 1 link 5 sold general stock" in words(owner.get(address(town)))
        assert check_invariants().broken == {}

    def test_a_closed_link_still_leads_to_the_deal_and_counts_for_nothing(self, town: Town) -> None:
        link = add_link(deal=town.deal, entrance=VIDEO, label="视频", by=town.owner)
        close_link(placement=link, by=town.owner)

        _page, answer = buy_by(
            f"http://testserver/h5/{town.merchant.slug}/deals/{town.deal.pk}/?from={link.token}", town
        )

        assert answer.status_code == 201
        order = stored(lambda: Order.objects.get())
        assert (order.entrance, order.placement_id) == ("", None)


class TestPage:
    def test_without_links_it_says_what_they_are_for(self, town: Town, owner: Client) -> None:
        page = owner.get(address(town))
        assert page.status_code == 200
        assert "No link yet. Make one for each video" in words(page)
        assert "General stock: 100 pieces left" in words(page)
        assert "Live card" not in words(page).replace("Live cards have their pieces", "")

    def test_sold_and_left_by_entrance_and_by_link(self, town: Town, owner: Client) -> None:
        first, second = (
            add_link(deal=town.deal, entrance=VIDEO, label=label, by=town.owner) for label in ("甲", "乙")
        )
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=10, by=town.owner)
        for link, quantity in ((first, 3), (second, 4)):
            stored(link.refresh_from_db)
            town.pay(town.order(placement=link, quantity=quantity))
        town.order(placement=second)

        shown = words(owner.get(address(town)))

        assert "Short video 2 links 7 sold 1 unpaid 2 left" in shown
        assert re.search(r"甲 Short video · .* 3 sold", shown)
        assert "General stock: 90 pieces left" in shown

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("", "This field is required."),
            ("many", "Enter a whole number."),
            ("0", "Ensure this value is greater than or equal to 1."),
            ("2", "3 are sold or held by orders already."),
            ("104", "Only 95 pieces are free."),
        ],
    )
    def test_a_refusal_stands_beside_the_entrances_field(
        self, town: Town, owner: Client, typed: str, sentence: str
    ) -> None:
        link = add_link(deal=town.deal, entrance=VIDEO, label="视频", by=town.owner)
        set_pieces(deal=town.deal, entrance=VIDEO, pieces=5, by=town.owner)
        town.order(placement=stored(lambda: Placement.objects.get(pk=link.pk)), quantity=3)
        heard = AuditEvent.objects.count()

        answer = owner.post(address(town, "short_video/pieces/"), {"short_video-pieces": typed})

        assert answer.status_code == 422
        body = answer.content.decode()
        box = re.search(r'<input[^>]*id="id_short_video-pieces"[^>]*>', body)[0]
        assert "is-invalid" in box
        assert f'value="{typed}"' in box if typed else 'value="' not in box
        error = re.search(r'id="id_short_video-pieces_error">(.*?)</div></div>', body, re.S)[1]
        assert sentence in html.unescape(error)
        assert 'href="#id_short_video-pieces"' in body, "the summary leads to the field"
        assert body.count("is-invalid") == 1
        assert count_entrances(deal=town.deal)[0].pieces == 5
        assert AuditEvent.objects.count() == heard

    @pytest.mark.parametrize(
        ("typed", "field"),
        [
            ({"entrance": "", "label": "视频"}, "entrance"),
            ({"entrance": "live_card", "label": "视频"}, "entrance"),
            ({"entrance": "short_video", "label": ""}, "label"),
            ({"entrance": "short_video", "label": "长" * 61}, "label"),
        ],
    )
    def test_a_link_needs_an_entrance_and_a_name(
        self, town: Town, owner: Client, typed: dict[str, str], field: str
    ) -> None:
        answer = owner.post(address(town, "links/"), typed)
        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.content.decode()
        assert stored(lambda: Placement.objects.count()) == 0

    @pytest.mark.parametrize("state", [DealState.DRAFT, DealState.ENDED])
    def test_a_deal_that_is_not_sold_is_only_looked_at(
        self, town: Town, owner: Client, state: DealState
    ) -> None:
        town.deal = town.make_deal(state=state)
        page = owner.get(address(town))
        added = owner.post(address(town, "links/"), {"entrance": "short_video", "label": "视频"})
        given = owner.post(address(town, "short_video/pieces/"), {"short_video-pieces": "3"})

        assert page.status_code == 200
        main = page.content.decode().partition("<main")[2].partition("</main")[0]
        assert "<form" not in main
        assert (added.status_code, given.status_code) == (422, 422)
        assert "The deal's state has changed meanwhile." in words(added)
        assert (
            stored(lambda: Placement.objects.count() + StockPool.objects.filter(kind="entrance").count()) == 0
        )

    @pytest.mark.parametrize("entrance", ["live_card", "nonsense"])
    def test_what_is_no_entrance_of_links_is_not_there(
        self, town: Town, owner: Client, entrance: str
    ) -> None:
        for step in ("pieces", "take-back"):
            answer = owner.post(address(town, f"{entrance}/{step}/"), {f"{entrance}-pieces": "3"})
            assert answer.status_code == 404

    def test_a_link_of_another_deal_is_not_there(self, town: Town, owner: Client) -> None:
        elsewhere = add_link(deal=town.deal, entrance=VIDEO, label="视频", by=town.owner)
        town.deal = town.make_deal(title="别的")
        assert owner.get(address(town, f"links/{elsewhere.pk}/")).status_code == 404
        assert owner.post(address(town, f"links/{elsewhere.pk}/close/")).status_code == 404
        assert stored(lambda: Placement.objects.get()).closed_at is None

    def test_a_live_sessions_card_is_no_link_of_this_page(self, town: Town, owner: Client) -> None:
        card = create_placement(deal=town.deal, entrance=Entrance.LIVE_CARD, label="直播")
        assert owner.get(address(town, f"links/{card.pk}/")).status_code == 404
        assert "直播" not in words(owner.get(address(town)))

    def test_each_step_is_written_down_with_who_did_it(self, town: Town, owner: Client) -> None:
        owner.post(address(town, "links/"), {"entrance": "comment", "label": "置顶评论"})
        link = stored(lambda: Placement.objects.get())
        owner.post(address(town, "comment/pieces/"), {"comment-pieces": "4"})
        owner.post(address(town, "comment/take-back/"))
        owner.post(address(town, f"links/{link.pk}/close/"))

        events = AuditEvent.objects.filter(noun="deal").order_by("id")
        title = town.deal.title
        assert [(event.verb, event.actor_id, event.facts) for event in events] == [
            ("placement.create", town.owner.pk,
             {"title": title, "entrance": "comment", "placement_id": str(link.pk), "label": "置顶评论"}),
            ("deal.entrance_pieces", town.owner.pk, {"title": title, "entrance": "comment", "pieces": 4}),
            ("deal.entrance_take_back", town.owner.pk, {"title": title, "entrance": "comment", "returned": 4}),
            ("placement.close", town.owner.pk,
             {"title": title, "entrance": "comment", "placement_id": str(link.pk), "label": "置顶评论"}),
        ]  # fmt: skip
