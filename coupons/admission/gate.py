"""The way to an order: early refusals, the waiting room, then PostgreSQL.

Redis never decides that somebody gets nothing. After PostgreSQL refused for want of stock or by a limit, Redis keeps for
30 seconds the hint that asking is worth while; then one read-only statement (hopeless.py) answers instead of a
transaction. So nobody is told "sold out" while pieces are left, however old the hint is.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import DomainError
from coupons.admission.hopeless import check_hope
from coupons.admission.room import ROOM, Ask, Gone, Outcome, TooSoon, Turn, Wait
from coupons.admission.tickets import Ticket
from coupons.domain.orders import OverPersonLimit, SoldOut


class TooManyOrders(DomainError):
    """Tried to order more often than the gate allows; `seconds` until the next try."""

    code = "too_many_orders"


class Waiting(Exception):
    """No refusal: the order can be placed later, and this is the place in the queue."""

    def __init__(self, place: Wait, ticket: Ticket) -> None:
        super().__init__(place)
        self.place, self.ticket = place, ticket


def name_pool(*, deal_id: int, pool_id: int | None) -> str:
    """The queue of these pieces: those allotted to a placement, or the deal's general ones."""
    return f"d{deal_id}" if pool_id is None else f"p{pool_id}"


@contextmanager
def pass_gate(
    *,
    customer_id: int,
    address: str,
    deal_id: int,
    quantity: int,
    pool_id: int | None = None,
    shop: str | None = None,
) -> Iterator[None]:
    """Let the body place the order in this shop (its slug), or raise Waiting, TooManyOrders(seconds), SoldOut(left), OverPersonLimit.

    The body must let the refusals of placing an order through. Writes nothing; reads one row where a hint says so.
    """
    pool = name_pool(deal_id=deal_id, pool_id=pool_id)
    answer = ROOM.enter(pool=pool, customer_id=customer_id, address=countable(address))
    if isinstance(answer, Ask):
        check_hope(deal_id=deal_id, customer_id=customer_id, quantity=quantity, pool_id=pool_id, shop=shop)
        answer = ROOM.enter(pool=pool, customer_id=customer_id, hints=False)
    if isinstance(answer, TooSoon):
        raise TooManyOrders(seconds=answer.seconds)
    if isinstance(answer, Wait):
        raise Waiting(answer, Ticket(pool, deal_id, customer_id, answer.joined, answer.epoch))
    outcome: Outcome = "failed"
    try:
        yield
        outcome = "ordered"
    except SoldOut as error:
        outcome = "failed" if error.facts["left"] else "sold_out"
        raise
    except OverPersonLimit:
        outcome = "full"
        raise
    finally:
        ROOM.leave(answer, pool=pool, customer_id=customer_id, outcome=outcome)


def look_at_place(ticket: Ticket) -> Wait | Turn | Gone:
    """Where the ticket's owner stands now; asking keeps the place. Raises SoldOut(left=0) and frees the place then."""
    answer = ROOM.look(
        pool=ticket.pool, customer_id=ticket.customer_id, joined=ticket.joined, epoch=ticket.epoch
    )
    if isinstance(answer, Ask):
        try:
            check_hope(
                deal_id=ticket.deal_id, customer_id=ticket.customer_id, quantity=1, pool_id=ticket.pool_id
            )
        except (SoldOut, OverPersonLimit):
            give_up_place(ticket)
            raise
        answer = ROOM.look(
            pool=ticket.pool,
            customer_id=ticket.customer_id,
            joined=ticket.joined,
            epoch=ticket.epoch,
            hints=False,
        )
    return answer


def give_up_place(ticket: Ticket) -> None:
    ROOM.quit(pool=ticket.pool, customer_id=ticket.customer_id)


def countable(address: str) -> str:
    """The address whose tries are counted; "" for one of this machine.

    A loopback address is a proxy that nobody declared (NUM_PROXIES) or a load test: its limit would shut out everybody.
    """
    try:
        return "" if ipaddress.ip_address(address).is_loopback else address
    except ValueError:
        return ""
