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


@dataclass(frozen=True)
class BilledMoney:
    """One amount of a provider's bill: kind is payment or refund; refund_key is the one a refund was asked for under."""

    kind: str
    reference: str
    amount_fen: int
    happened_at: datetime
    refund_key: str = ""


class PaymentProvider(Protocol):
    name: str

    def create_charge(
        self, *, account: str, reference: str, amount_fen: int, currency: str, subject: str, return_url: str
    ) -> str:
        """Ask for money of an account (one per merchant); the address where the customer pays.

        Asking again under a reference changes nothing.
        """
        ...

    def refund(self, *, reference: str, refund_key: str, amount_fen: int) -> None:
        """Give money back, once per refund_key however often it is asked. Raises on any failure."""
        ...

    def parse_notification(self, *, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        """Verify and read a notification. Raises BadSignature, core.errors.Invalid."""
        ...

    def fetch_bill(self, *, account: str, starts_at: datetime, ends_at: datetime) -> list[BilledMoney]:
        """All that moved on an account in [starts_at, ends_at), in the order it moved; only of a time that is over."""
        ...
