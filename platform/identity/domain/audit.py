"""Record what somebody did, and in whose name."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from identity.models import AuditEvent, User

_in_the_name_of: ContextVar[int | None] = ContextVar("in_the_name_of", default=None)


@contextmanager
def acting_for(party_id: int | None) -> Iterator[None]:
    """Whatever is recorded inside was done in the name of this party (None: in one's own).

    The door of a merchant's pages opens it, so that no act inside can be recorded without saying for whom.
    """
    token = _in_the_name_of.set(party_id)
    try:
        yield
    finally:
        _in_the_name_of.reset(token)


def record_event(
    *, verb: str, noun: str, noun_id: int, by: User | None, merchant_id: int | None = None, **facts: Any
) -> None:
    """Write an audit row into the current transaction; `by` is None for the system itself."""
    AuditEvent.objects.create(
        merchant_id=merchant_id,
        actor_id=by.pk if by else None,
        for_party_id=_in_the_name_of.get() if by else None,
        verb=verb,
        noun=noun,
        noun_id=noun_id,
        facts=facts,
    )
