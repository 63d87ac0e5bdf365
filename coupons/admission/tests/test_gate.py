"""The gate in front of the API: early answers, never a wrong one, and buying goes on without Redis."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django_redis import get_redis_connection
from django_scopes import scope

from core.tests.test_embedded import folder, servers  # noqa: F401 - two fixtures
from coupons.admission import gate, hopeless
from coupons.admission.limits import Limits
from coupons.admission.room import ROOM, Go, Room, Wait
from coupons.admission.tickets import Ticket
from coupons.domain.orders import SoldOut, close_order, place_order
from coupons.domain.placements import create_placement
from coupons.domain.stock import allot_stock
from coupons.enums import DealState, Entrance, OrderCloseReason, StockPoolKind
from coupons.models import Deal, Order
from coupons.tests.town import Town, make_customer, make_town
from tests.api.conftest import Api, api_of, error_of, fresh_key


@pytest.fixture(autouse=True)
def empty_room() -> None:
    get_redis_connection("default").flushdb()


@pytest.fixture
def town(db: None) -> Town:
    return make_town()


@pytest.fixture
def customer(town: Town) -> Api:
    return api_of(town.customer.user)


@pytest.fixture
def full_database(settings: Any) -> list[Go]:
    """As many orders in the database as it takes, of other customers; none of them ends."""
    settings.ADMISSION_IN_FLIGHT = 1
    return [go for number in range(4) if isinstance(go := ROOM.enter(pool="d0", customer_id=-number), Go)]


def place(api: Api, town: Town, key: str | None = None, **more: Any) -> Any:
    wish = {"merchant": town.merchant.slug, "deal_id": str(town.deal.pk), "quantity": 1} | more
    return api.post("orders/", wish, key=key or fresh_key())


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL of everything asked meanwhile, prepared statements too."""
    asked: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append("SAVEPOINT" if "SAVEPOINT" in sql else sql.strip())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield asked


def writes(asked: list[str]) -> list[str]:
    return [sql for sql in asked if not sql.startswith("SELECT")]


def test_who_has_to_wait_gets_a_place_and_nothing_is_written(
    customer: Api, town: Town, full_database: list[Go]
) -> None:
    with statements() as queries:
        answer = place(customer, town)

    assert answer.status_code == 202
    waiting = answer.json()["waiting"]
    assert waiting["position"] == 1
    assert waiting["seconds"] >= waiting["poll_after_seconds"] >= 1
    assert answer["Retry-After"] == str(waiting["poll_after_seconds"])
    assert writes(queries) == []
    assert len(queries) == 2, "the token, and whether the key has an answer already"
    assert latest(town) is None


def test_a_waiting_answer_is_not_the_answer_of_the_key(
    customer: Api, town: Town, full_database: list[Go]
) -> None:
    key = fresh_key()
    waiting = place(customer, town, key=key)
    end(full_database)
    place_in_queue = customer.get(f"waiting/{waiting.json()['waiting']['ticket']}/")
    ordered = place(customer, town, key=key)
    again = place(customer, town, key=key)

    assert (waiting.status_code, place_in_queue.json()["state"]) == (202, "turn")
    assert (ordered.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == ordered.json()["id"]


def end(orders: list[Go]) -> None:
    connection = get_redis_connection("default")
    for number, go in enumerate(orders):
        ROOM.leave(go, pool="d0", customer_id=-number, outcome="ordered")
    while connection.zcard("admission:flight"):
        pass


def test_a_lost_answer_comes_back_even_when_others_have_to_wait(
    customer: Api, town: Town, settings: Any
) -> None:
    key = fresh_key()
    first = place(customer, town, key=key)
    settings.ADMISSION_IN_FLIGHT = 1
    for number in range(4):
        ROOM.enter(pool="d0", customer_id=-number)

    again = place(customer, town, key=key)
    another = place(customer, town)

    assert (again.status_code, another.status_code) == (201, 202)
    assert again.json() == first.json()


def test_a_place_is_looked_at_without_the_database(
    customer: Api, town: Town, full_database: list[Go], django_assert_num_queries: Any
) -> None:
    ticket = place(customer, town).json()["waiting"]["ticket"]
    second_tab = place(customer, town).json()["waiting"]

    with django_assert_num_queries(0):
        seen = Api().get(f"waiting/{ticket}/")

    assert seen.status_code == 200
    assert (seen.json()["state"], seen.json()["position"]) == ("waiting", 1)
    assert second_tab["position"] == 1
    assert second_tab["ticket"] == ticket


def test_a_place_can_be_given_up(customer: Api, town: Town, full_database: list[Go]) -> None:
    ticket = place(customer, town).json()["waiting"]["ticket"]
    gone = Client().delete(f"/api/v1/waiting/{ticket}/")

    assert gone.status_code == 204
    assert Api().get(f"waiting/{ticket}/").json()["state"] == "gone"


@pytest.mark.parametrize(
    "forge", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "d1.1.1.1.1", lambda t: "x~y"]
)
def test_a_ticket_cannot_be_made_up(customer: Api, town: Town, full_database: list[Go], forge: Any) -> None:
    ticket = place(customer, town).json()["waiting"]["ticket"]

    assert Api().get(f"waiting/{forge(ticket)}/").status_code == 404


def test_sold_out_is_answered_by_one_read(town: Town) -> None:
    town.deal = town.make_deal(stock=1)
    town.order()
    buyers = [api_of(make_customer().user) for _ in range(3)]
    expensive = place(buyers[0], town)

    with statements() as queries:
        cheap = place(buyers[1], town)

    assert (expensive.status_code, cheap.status_code) == (409, 409)
    assert error_of(cheap)["code"] == error_of(expensive)["code"] == "sold_out"
    assert error_of(cheap)["facts"] == {"left": 0}
    assert writes(queries) == []
    assert len(queries) == 3, "the token, the stock, and whether the key has an answer already"


def test_a_limit_that_is_reached_is_answered_by_one_read(town: Town, customer: Api) -> None:
    town.deal = town.make_deal(per_person_limit=1)
    town.order()
    expensive = place(customer, town)

    with statements() as queries:
        cheap = place(customer, town)

    assert error_of(cheap) == error_of(expensive)
    assert error_of(cheap)["facts"] == {"limit": 1, "bought": 1}
    assert writes(queries) == []


def test_a_link_with_pieces_of_its_own_is_asked_about_those(town: Town, customer: Api) -> None:
    """The general pieces are gone, those of the link are not; and the other way round."""
    town.deal = town.make_deal(stock=2)
    pool = allot_stock(deal=town.deal, kind=StockPoolKind.SESSION, pieces=1)
    card = create_placement(deal=town.deal, entrance=Entrance.LIVE_CARD, pool=pool)
    town.order()

    by_door = [error_of(place(customer, town))["code"] for _ in range(2)]
    by_card = place(customer, town, placement=card.token)
    too_late = [error_of(place(customer, town, placement=card.token))["code"] for _ in range(2)]
    unknown = place(customer, town, placement="nobody-knows-it")

    assert by_door == ["sold_out"] * 2
    assert by_card.status_code == 201
    assert latest(town).placement_id == card.pk
    assert too_late == ["sold_out"] * 2
    assert error_of(unknown)["code"] == "sold_out"


def test_a_hint_never_hides_that_the_deal_is_not_there(town: Town, customer: Api) -> None:
    """Sold out is a fact of the deal in its own shop: who names another shop hears what he would hear of any number."""
    other = make_town("other", "别家")
    town.deal = town.make_deal(stock=1)
    pool = allot_stock(deal=other.deal, kind=StockPoolKind.SESSION, pieces=1)
    foreign = create_placement(deal=other.deal, entrance=Entrance.LIVE_CARD, pool=pool)
    town.order()
    hinted = [error_of(place(customer, town))["code"] for _ in range(2)]

    with statements() as queries:
        elsewhere = error_of(place(customer, town, merchant="other"))
    by_their_link = error_of(place(customer, town, merchant="other", placement=foreign.token))
    nowhere = error_of(place(customer, town, merchant="no-such-shop"))
    by_foreign_link = error_of(place(customer, town, placement=foreign.token))
    with scope(merchant=town.merchant.pk):
        Deal.objects.filter(pk=town.deal.pk).update(state=DealState.PAUSED)
    paused = error_of(place(customer, town))

    assert hinted == ["sold_out"] * 2
    assert [error["code"] for error in (elsewhere, by_their_link, nowhere)] == ["not_found"] * 3
    assert any("coupons_stockslot" in sql for sql in queries), "the hint was there and asked about"
    assert by_foreign_link["code"] == "sold_out", "a link of somebody else is no link"
    assert paused["code"] == "deal_not_on_sale"
    assert error_of(place(customer, town, deal_id="1"))["code"] == "not_found"


def test_too_many_tries_say_how_long(customer: Api, town: Town, settings: Any) -> None:
    settings.ADMISSION_TRIES_PER_CUSTOMER = 2

    answers = [place(customer, town) for _ in range(3)]
    refused = error_of(answers[-1])

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert refused["code"] == "too_many_orders"
    assert 25 <= refused["facts"]["seconds"] <= 30
    assert answers[-1]["Retry-After"] == str(refused["facts"]["seconds"])
    assert place(api_of(make_customer().user), town).status_code == 201


@pytest.mark.parametrize(
    ("address", "counted"), [("127.0.0.1", ""), ("::1", ""), ("203.0.113.7", "203.0.113.7"), ("", "")]
)
def test_addresses_of_this_machine_are_not_counted(address: str, counted: str) -> None:
    assert gate.countable(address) == counted


def test_the_gate_off_means_straight_to_the_database(
    customer: Api, town: Town, full_database: list[Go], settings: Any
) -> None:
    settings.ADMISSION = False

    assert place(customer, town).status_code == 201


def test_without_pressure_the_order_path_asks_redis_once(customer: Api, town: Town, settings: Any) -> None:
    """One question with an answer, one word nobody waits for; no SQL statement more than the gate off."""
    place(customer, town)
    with statements() as with_gate:
        place(customer, town)
    settings.ADMISSION = False
    with statements() as without_gate:
        place(customer, town)
    settings.ADMISSION = True
    before = script_calls()
    place(customer, town)

    assert script_calls() - before == 2
    assert with_gate == without_gate


def script_calls() -> int:
    return get_redis_connection("default").info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)


def try_to_buy(town: Town, customer: Any) -> str:
    """Through the gate and the domain, as the API does it."""
    try:
        with gate.pass_gate(customer_id=customer.pk, address="", deal_id=town.deal.pk, quantity=1):
            place_order(customer=customer, merchant=town.merchant, deal_id=town.deal.pk, quantity=1)
    except SoldOut:
        return "sold_out"
    return "ordered"


def test_sold_out_is_never_said_after_a_piece_came_back(town: Town) -> None:
    town.deal = town.make_deal(stock=1)
    order = town.order()
    customer = make_customer()
    assert try_to_buy(town, customer) == "sold_out"
    assert hint_of(town), "the hint is there and stays for half a minute"

    close_order(order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)

    assert hint_of(town)
    assert try_to_buy(town, customer) == "ordered"
    assert hint_of(town) is None, "the next one is spared the question"


def test_the_proof_can_fail_a_gate_that_trusts_its_hint_is_wrong(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: without the read, the same steps end in a false "sold out"."""
    town.deal = town.make_deal(stock=1)
    order = town.order()
    customer = make_customer()
    assert try_to_buy(town, customer) == "sold_out"

    def trust(**facts: Any) -> None:
        raise SoldOut(left=0)

    monkeypatch.setattr(gate, "check_hope", trust)
    close_order(order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)

    assert try_to_buy(town, customer) == "sold_out"


def hint_of(town: Town) -> Any:
    for _ in range(1000):
        if found := get_redis_connection("default").get(f"admission:sold:d{town.deal.pk}"):
            return found
    return None


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_sold_out_while_pieces_lie_there(settings: Any) -> None:
    """One piece goes to and fro a hundred times, and a buyer asks through the gate after each return: he always gets it.
    Beside him four others keep the hint alive."""
    settings.ADMISSION_TRIES_PER_CUSTOMER = 0
    town = make_town()
    town.deal = town.make_deal(stock=1, per_person_limit=None)
    buyer, others = make_customer(), [make_customer() for _ in range(4)]
    over = threading.Event()
    refused: list[str] = []

    def ask_without_buying(customer: Any) -> None:
        try:
            while not over.is_set():
                try:
                    hopeless.check_hope(deal_id=town.deal.pk, customer_id=customer.pk, quantity=1)
                except SoldOut:
                    ROOM.leave(
                        Go("nobody"), pool=f"d{town.deal.pk}", customer_id=customer.pk, outcome="sold_out"
                    )
                    refused.append("sold_out")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_without_buying, args=(customer,)) for customer in others]
    order = town.order(customer=buyer)
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            close_order(order_id=order.pk, merchant_id=town.merchant.pk, reason=OrderCloseReason.BUYER)
            assert try_to_buy(town, buyer) == "ordered"
            order = latest(town)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert refused, "the hint was set while the piece was away"


def latest(town: Town) -> Any:
    with scope(merchant=town.merchant.pk):
        return Order.objects.order_by("-id").first()


@pytest.mark.fault
def test_redis_killed_in_the_middle(servers: Any, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """A crowd waits; Redis is killed: everybody has his turn and orders, no error; it comes back: the room works again."""
    monkeypatch.setattr("coupons.admission.room.PAUSE_SECONDS", 0.0)
    client = redis.Redis.from_url(servers.valkey.url())
    room = Room(connect=lambda: client, limits=lambda: Limits(in_flight=1, tries_per_customer=0))
    monkeypatch.setattr(gate, "ROOM", room)
    flying = [go for number in range(4) if isinstance(go := room.enter(pool="d0", customer_id=-number), Go)]
    crowd = [make_customer() for _ in range(3)]
    pool = f"d{town.deal.pk}"
    places = [room.enter(pool=pool, customer_id=customer.pk) for customer in crowd]
    assert [place.position for place in places] == [1, 2, 3]
    tickets = [
        Ticket(pool, town.deal.pk, customer.pk, place.joined, place.epoch)
        for customer, place in zip(crowd, places, strict=True)
    ]

    servers.valkey.stop()

    for ticket in tickets:
        assert type(gate.look_at_place(ticket)).__name__ == "Turn"
    assert [try_to_buy(town, customer) for customer in crowd] == ["ordered"] * 3
    room.leave(flying[0], pool="d0", customer_id=0, outcome="ordered")

    servers.valkey.start()
    client.flushdb()

    assert [isinstance(room.enter(pool="d0", customer_id=-number), Go) for number in range(4)][:1] == [True]
    newcomer = make_customer()
    assert isinstance(room.enter(pool=pool, customer_id=newcomer.pk), Wait)
    seen = gate.look_at_place(tickets[1])
    assert isinstance(seen, Wait), "his ticket still says when he came"
    assert seen.position == 1
