"""Payment companies behind one port; PAYMENT_PROVIDER chooses which one takes new payments."""

from django.conf import settings

from coupons.payment_providers.port import BadSignature, BilledMoney, PaymentProvider, ProviderEvent
from coupons.payment_providers.sandbox import SandboxProvider

__all__ = ["BadSignature", "BilledMoney", "PaymentProvider", "ProviderEvent", "get_provider"]

_PROVIDERS: dict[str, PaymentProvider] = {"sandbox": SandboxProvider()}


def get_provider(name: str | None = None) -> PaymentProvider:
    """The provider of this name (default: the one configured). Raises KeyError for a name nobody registered."""
    return _PROVIDERS[name or settings.PAYMENT_PROVIDER]
