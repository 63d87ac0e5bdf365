"""How often one caller may ask: settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], by the view's throttle_scope.

Counted in the cache: while Redis is away nobody is held up. Good enough against abuse, not meant for money.
"""

import hashlib
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle


class Throttle(ScopedRateThrottle):
    """Per user where signed in, else per address (see NUM_PROXIES)."""

    def get_rate(self) -> str | None:
        return settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].get(self.scope)

    def get_cache_key(self, request: Request, view: Any) -> str:
        ident = f"u{request.user.pk}" if request.user else f"a{self.get_ident(request)}"
        return f"throttle.{self.scope}.{hashlib.sha256(ident.encode()).hexdigest()[:32]}"
