"""The waiting room against a real Valkey, with the time told to it: who came first goes first, whoever asks when."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django_redis import get_redis_connection

from coupons.admission.limits import Limits
from coupons.admission.room import Go, Gone, Room, TooSoon, Turn, Wait

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
LIMITS = Limits(in_flight=4, tries_per_customer=0, tries_per_address=0)


class Hall:
    """A room of its own in the tests' Valkey, at a time of our making."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.now = START
        self.limits = limits
        self.redis = get_redis_connection("default")
        self.prefix = f"test-{uuid4().hex}"
        self.room = Room(
            connect=lambda: self.redis, limits=lambda: self.limits, clock=lambda: self.now, prefix=self.prefix
        )

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def enter(self, customer: int, **more: Any) -> Any:
        return self.room.enter(pool="d1", customer_id=customer, **more)

    def look(self, customer: int, place: Wait) -> Any:
        return self.room.look(pool="d1", customer_id=customer, joined=place.joined, epoch=place.epoch)

    def leave(self, go: Go, customer: int, outcome: Any = "ordered") -> None:
        """As `leave` does, and wait until it has arrived."""
        self.room.leave(go, pool="d1", customer_id=customer, outcome=outcome)
        for _ in range(1000):
            if self.redis.zscore(f"{self.prefix}:flight", go.entry) is None:
                return
        raise AssertionError("the entry stayed")

    def wait_for_turn(self, customer: int, place: Wait) -> None:
        for _ in range(20):
            if isinstance(self.look(customer, place), Turn):
                return
            self.wait(1)
        raise AssertionError("no turn")

    def order_with_turns(self, key: Any = None) -> list[int]:
        """Everybody whose turn it is orders, the first of them first."""
        having = [int(customer) for customer in self.redis.zrange(f"{self.prefix}:turns:d1", 0, -1)]
        for customer in sorted(having, key=key):
            go = self.enter(customer)
            assert isinstance(go, Go)
            self.leave(go, customer)
        return sorted(having, key=key)

    def fill(self) -> None:
        """Orders that never end, so that nobody else gets in: places, saved turns, everything."""
        self.crowd = [
            (go, customer)
            for customer in range(900_000, 900_100)
            if isinstance(go := self.enter(customer), Go)
        ]
        for customer in range(900_000, 900_100):
            self.room.quit(pool="d1", customer_id=customer)

    def keep_full(self) -> None:
        """The same orders are still in the database, and no speed was measured."""
        self.redis.zadd(
            f"{self.prefix}:flight", {go.entry: self.now + 15 * SECOND for go, _customer in self.crowd}
        )


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_without_pressure_there_is_no_room(hall: Hall) -> None:
    for customer in range(1, 200):
        go = hall.enter(customer)
        assert isinstance(go, Go)
        hall.leave(go, customer)

    assert hall.redis.keys(f"{hall.prefix}:queue:*") == []
    assert hall.redis.keys(f"{hall.prefix}:gauge:*") == []


def test_a_full_database_makes_the_next_ones_wait_in_the_order_they_came(hall: Hall) -> None:
    hall.fill()

    places = [hall.enter(customer) for customer in range(1, 11)]

    assert [place.position for place in places] == list(range(1, 11))
    joined = [place.joined for place in places]
    assert joined == sorted(set(joined)), "ten came in the same microsecond, and each has a place of his own"


def test_a_second_tab_gets_the_same_place(hall: Hall) -> None:
    hall.fill()
    first = hall.enter(1)
    others = [hall.enter(customer) for customer in range(2, 6)]

    again = hall.enter(1)

    assert (again.position, again.joined) == (1, first.joined)
    assert hall.look(5, others[-1]).position == 5


def test_who_came_first_goes_first_whoever_asks_more_often(hall: Hall) -> None:
    hall.fill()
    places = {customer: hall.enter(customer) for customer in range(1, 41)}
    served: list[int] = []

    for _ in range(120):
        hall.wait(0.5)
        # The last ones ask three times as often, and before the others.
        for customer in [40, 39, 38] * 3 + sorted(places, reverse=True):
            if customer not in served:
                hall.look(customer, places[customer])
        served += hall.order_with_turns()

    assert served == list(range(1, 41))


def test_fifo_under_threads(hall: Hall) -> None:
    """Sixteen threads ask at once: turns are given strictly in the order of joining."""
    hall.fill()
    places: dict[int, Wait] = {}
    lock = threading.Lock()

    def join(customers: range) -> None:
        for customer in customers:
            place = hall.enter(customer)
            with lock:
                places[customer] = place

    in_threads(lambda number: join(range(number * 5 + 1, number * 5 + 6)))
    assert all(isinstance(place, Wait) for place in places.values())
    joined = sorted(places, key=lambda customer: places[customer].joined)
    served: list[int] = []

    def ask(number: int) -> None:
        for customer in joined[number::16]:
            if customer not in served:
                hall.look(customer, places[customer])

    for _ in range(60):
        hall.wait(0.5)
        in_threads(ask)
        served += hall.order_with_turns(key=joined.index)
        assert served == joined[: len(served)], "somebody was let past"
    assert served == joined


def in_threads(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_absent_lose_their_place_and_the_others_move_up(hall: Hall) -> None:
    hall.fill()
    places = {customer: hall.enter(customer) for customer in range(1, 11)}

    for _ in range(4):
        hall.wait(9)
        hall.keep_full()
        for customer in (4, 7, 10):
            hall.look(customer, places[customer])

    positions = [hall.look(customer, places[customer]).position for customer in (4, 7, 10)]
    assert positions == [1, 2, 3]
    assert isinstance(hall.look(1, places[1]), Gone)
    assert hall.enter(1).position == 4, "he may come again, behind the others"


def test_a_turn_that_is_not_used_is_over(hall: Hall) -> None:
    hall.fill()
    place = hall.enter(1)
    hall.wait_for_turn(1, place)

    hall.wait(59)
    late = hall.look(1, place)
    hall.wait(2)

    assert late == Turn(seconds=1)
    assert isinstance(hall.look(1, place), Gone)


def test_a_turn_can_be_tried_again_after_a_refusal_and_is_used_by_an_order(hall: Hall) -> None:
    hall.fill()
    place = hall.enter(1)
    hall.wait_for_turn(1, place)

    hall.leave(hall.enter(1), 1, outcome="failed")
    assert isinstance(hall.look(1, place), Turn)
    hall.leave(hall.enter(1), 1)

    assert isinstance(hall.look(1, place), Gone)


def test_who_gives_up_frees_his_place(hall: Hall) -> None:
    hall.fill()
    places = [hall.enter(customer) for customer in (1, 2)]

    hall.room.quit(pool="d1", customer_id=1)

    assert hall.look(2, places[1]).position == 1
    assert isinstance(hall.look(1, places[0]), Gone)


def test_a_crashed_order_holds_its_place_in_the_database_only_for_a_while(hall: Hall) -> None:
    assert [isinstance(hall.enter(customer), Go) for customer in range(1, 5)] == [True] * 4
    assert hall.redis.zcard(f"{hall.prefix}:flight") == 4

    hall.wait(16)

    assert isinstance(hall.enter(5), Go)
    assert hall.redis.zcard(f"{hall.prefix}:flight") == 1


@pytest.mark.parametrize(("per_second", "crowd"), [(40, 600), (150, 1500), (6, 90)])
def test_the_estimate_is_honest(per_second: int, crowd: int) -> None:
    """A database that places so many orders a second; everybody asks when told to. Nobody waits longer than was said to
    him, and once the room has measured for ten seconds, what is said is no more than twice the truth and ten seconds."""
    hall = Hall(replace(LIMITS, in_flight=max(4, per_second // 10)))
    simulation = Simulation(hall, per_second=per_second)
    simulation.sell_calmly()
    simulation.arrive(crowd)
    simulation.run()

    assert len(simulation.through) == crowd, "everybody got through"
    assert simulation.was_busy > crowd / per_second * 0.6, "the database had work nearly all the time"
    short = [
        (customer, said, truth)
        for customer, said, truth in simulation.estimates()
        if truth > said + simulation.STEP
    ]
    assert short == []
    wild = [
        (customer, said, truth)
        for customer, said, truth in simulation.estimates(after=10)
        if said > 2 * truth + 10
    ]
    assert wild == []


class Simulation:
    """Steps of 50 ms: orders take their time in a database that can do `per_second`; customers ask when told to."""

    STEP = 0.05

    def __init__(self, hall: Hall, *, per_second: float) -> None:
        self.hall, self.per_second = hall, per_second
        self.places: dict[int, Wait] = {}
        self.ask_at: dict[int, float] = {}
        self.said: dict[int, list[tuple[float, int]]] = {}
        self.through: dict[int, float] = {}
        self.running: list[tuple[int, Go]] = []
        self.was_busy = 0.0
        self._credit = 0.0

    @property
    def at(self) -> float:
        return (self.hall.now - START) / SECOND

    def sell_calmly(self) -> None:
        """Two seconds of orders that come one after the other: what the database can do is known before the rush."""
        for number in range(2 * int(self.per_second)):
            self.hall.wait(1 / self.per_second)
            customer = 500_000 + number
            self.hall.leave(self.hall.enter(customer), customer)

    def arrive(self, count: int) -> None:
        for customer in range(1, count + 1):
            self._hear(customer, self.hall.enter(customer))

    def _hear(self, customer: int, answer: Any) -> None:
        if isinstance(answer, Go):
            self.running.append((customer, answer))
            self.ask_at.pop(customer, None)
        elif isinstance(answer, Turn):
            self._hear(customer, self.hall.enter(customer))
        else:
            assert isinstance(answer, Wait), answer
            self.places[customer] = answer
            self.said.setdefault(customer, []).append((self.at, answer.seconds))
            # Phones are not punctual: up to half a second late.
            self.ask_at[customer] = self.at + answer.poll + (customer * 7 % 10) / 20

    def run(self) -> None:
        for _ in range(int(600 / self.STEP)):
            if not self.ask_at and not self.running:
                return
            self.hall.wait(self.STEP)
            self._work()
            for customer in [c for c, when in self.ask_at.items() if when <= self.at]:
                self._hear(customer, self.hall.look(customer, self.places[customer]))
        raise AssertionError("the queue did not end")

    def _work(self) -> None:
        self._credit = min(self._credit + self.per_second * self.STEP, max(1.0, self.per_second * self.STEP))
        if self.running:
            self.was_busy += self.STEP
        while self.running and self._credit >= 1:
            customer, go = self.running.pop(0)
            self.hall.leave(go, customer)
            self.through[customer] = self.at
            self._credit -= 1

    def estimates(self, after: float = 0) -> list[tuple[int, int, float]]:
        return [
            (customer, seconds, self.through[customer] - when)
            for customer, said in self.said.items()
            for when, seconds in said
            if when >= after
        ]


def test_tries_are_counted_per_customer_and_per_address(hall: Hall) -> None:
    hall.limits = replace(LIMITS, tries_per_customer=3, tries_per_address=5)

    mine = [hall.enter(1, address="203.0.113.7") for _ in range(4)]
    others = [hall.enter(customer, address="203.0.113.7") for customer in (2, 3)]
    elsewhere = hall.enter(4, address="203.0.113.8")
    hall.wait(20)

    assert mine[-1] == TooSoon(seconds=20)
    assert [isinstance(answer, TooSoon) for answer in [*mine, *others]] == [False] * 3 + [True, False, True]
    assert isinstance(elsewhere, Go | Wait)
    assert not isinstance(hall.enter(1, address="203.0.113.7"), TooSoon)


def test_a_room_that_forgot_everything_gives_the_old_places_back(hall: Hall) -> None:
    """Redis came back empty: who asks again with his ticket stands where he stood, before those who came later."""
    hall.fill()
    places = {customer: hall.enter(customer) for customer in (1, 2, 3)}
    for key in hall.redis.keys(f"{hall.prefix}:*"):
        hall.redis.delete(key)
    hall.wait(2)
    hall.fill()
    newcomer = hall.enter(50)

    assert newcomer.position == 1
    assert [hall.look(customer, places[customer]).position for customer in (3, 1, 2)] == [1, 1, 2]
    assert hall.look(50, newcomer).position == 4


def test_a_ticket_kept_from_an_earlier_rush_is_no_place_at_the_head(hall: Hall) -> None:
    """Nobody asked for it for hours: an emptied Redis does not put its owner before today's queue."""
    hall.fill()
    kept = hall.enter(1)
    hall.redis.delete(*hall.redis.keys(f"{hall.prefix}:*"))
    hall.wait(3 * 3600)
    hall.fill()
    today = hall.enter(50)

    assert isinstance(hall.look(1, kept), Gone)
    assert (today.position, hall.look(50, today).position) == (1, 1)
