"""A place in a waiting room, signed, so that a ticket cannot be made up; it says whose place in which room it is."""

from dataclasses import dataclass

from django.core.signing import BadSignature, Signer

from core.errors import NotFound

SALT = "coupons.admission"


@dataclass(frozen=True)
class Ticket:
    """`pool` names the queue; `joined` (microseconds) is the place in it, `epoch` the room's life it was given in."""

    pool: str
    deal_id: int
    customer_id: int
    joined: int
    epoch: str

    @property
    def pool_id(self) -> int | None:
        """The pool of a placement; None for the deal's general one."""
        return int(self.pool[1:]) if self.pool.startswith("p") else None

    def sign(self) -> str:
        text = f"{self.pool}.{self.deal_id}.{self.customer_id}.{self.joined}.{self.epoch}"
        return Signer(salt=SALT, sep="~").sign(text)


def read_ticket(text: str) -> Ticket:
    """Raises NotFound for anything we did not sign."""
    try:
        pool, deal_id, customer_id, joined, epoch = Signer(salt=SALT, sep="~").unsign(text).split(".")
        return Ticket(pool, int(deal_id), int(customer_id), int(joined), epoch)
    except (BadSignature, ValueError) as error:
        raise NotFound from error
