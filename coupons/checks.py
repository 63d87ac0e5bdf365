"""What must be right before the first customer pays."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from coupons.payment_providers import get_provider


@register
def check_payment_provider(**kwargs: Any) -> list[CheckMessage]:
    """PAYMENT_PROVIDER names a provider we have."""
    try:
        get_provider()
    except KeyError:
        return [
            Error(
                f"PAYMENT_PROVIDER={settings.PAYMENT_PROVIDER} is no payment provider of this installation.",
                hint="`sandbox` is the one that comes with it; others stand in coupons/payment_providers/.",
                id="coupons.E001",
            )
        ]
    return []
