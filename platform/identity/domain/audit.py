"""Record what somebody did."""

from typing import Any

from identity.models import AuditEvent, User


def record_event(
    *, verb: str, noun: str, noun_id: int, by: User | None, merchant_id: int | None = None, **facts: Any
) -> None:
    """Write an audit row into the current transaction; `by` is None for the system itself."""
    AuditEvent.objects.create(
        merchant_id=merchant_id,
        actor_id=by.pk if by else None,
        verb=verb,
        noun=noun,
        noun_id=noun_id,
        facts=facts,
    )
