"""What we need of a payment company."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.errors import DomainError


class BadSignature(DomainError):
    """The notification was not signed by the provider, or too long ago."""

    code = "bad_signature"


@dataclass(frozen=True)
class ProviderEvent:
    """One notification, understood: kind is payment.succeeded or payment.failed; amount in fen."""

    event_id: str
    kind: str
    reference: str
    provider_reference: str
    amount_fen: int
    occurred_at: datetime
    payload: dict[str, Any]


class PaymentProvider(Protocol):
    name: str

    def create_charge(
        self, *, reference: str, amount_fen: int, currency: str, subject: str, return_url: str
    ) -> str:
        """Ask for money; the address where the customer pays. Asking again under a reference changes nothing."""
        ...

    def refund(self, *, reference: str, refund_key: str, amount_fen: int) -> None:
        """Give money back, once per refund_key however often it is asked. Raises on any failure."""
        ...

    def parse_notification(self, *, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Verify and read a notification. Raises BadSignature, core.errors.Invalid."""
        ...
