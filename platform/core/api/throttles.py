"""How often one caller may ask: settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], by the view's throttle_scope.

Counted in the cache's Redis: while Redis is away nobody is held up. Good enough against abuse, not meant for money.
"""

import hashlib
import time
from typing import Any, ClassVar

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle

MOST_COUNTED = 20_000  # callers and windows a process remembers

# One command, one round trip: the number of this request since the first one of the window.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""


class Throttle(ScopedRateThrottle):
    """Per user where signed in, else per address (see NUM_PROXIES): so many within a window that begins with the first.

    A count instead of DRF's list of moments, which costs two round trips and grows with the limit: every redemption
    comes through here (docs/performance/redeem.md).
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = getattr(view, self.scope_attr, None)
        self.rate = self.get_rate() if self.scope else None
        if self.rate is None:
            return True
        self.num_requests, self.duration = self.parse_rate(self.rate)
        self.key = self.get_cache_key(request, view)
        try:
            count = get_redis_connection().eval(_COUNT, 1, self.key, self.duration)
        except RedisError:
            return True
        return count <= self.num_requests

    def wait(self) -> float | None:
        """Seconds until the window ends."""
        try:
            return max(1, get_redis_connection().ttl(self.key))
        except RedisError:
            return 1

    def get_rate(self) -> str | None:
        return settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"].get(self.scope)

    def get_cache_key(self, request: Request, view: Any) -> str:
        ident = f"u{request.user.pk}" if request.user else f"a{self.get_ident(request)}"
        return f"throttle.{self.scope}.{hashlib.sha256(ident.encode()).hexdigest()[:32]}"


class LocalThrottle(Throttle):
    """The same limit, counted in the memory of one process: for what is asked so often that a way to Redis tells.

    Windows of the clock; a caller whom several processes serve may ask that many times as often. For views that other
    means protect against guessing.
    """

    seconds: int
    _counts: ClassVar[dict[tuple[int, str], int]] = {}

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = getattr(view, self.scope_attr, None)
        self.rate = self.get_rate() if self.scope else None
        if self.rate is None:
            return True
        limit, self.seconds = self.parse_rate(self.rate)
        window = int(time.monotonic() // self.seconds)
        key = window, self.get_cache_key(request, view)
        counts = LocalThrottle._counts
        if key not in counts and len(counts) >= MOST_COUNTED:
            counts.clear()
        counts[key] = counts.get(key, 0) + 1
        return counts[key] <= (limit or 0)

    def wait(self) -> float:
        """Seconds until the window ends."""
        return self.seconds - time.monotonic() % self.seconds
