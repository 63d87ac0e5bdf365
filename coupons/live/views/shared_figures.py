"""A session's figures, read once for all its walls."""

import time
from dataclasses import dataclass

from django.core.cache import cache
from django.utils import timezone

from coupons.live.domain.figures import SessionFigures, count_figures
from coupons.live.models import LiveSession

FRESH_SECONDS = 2.0
REST = 10  # after a reading that took a second nobody reads for ten: walls never take more than a tenth of one CPU
LONGEST_REST = 20.0  # still inside the thirty seconds after which a wall calls itself stale
KEPT_SECONDS = 60
READING_SECONDS = 15  # how long others wait for the one who reads, before they read themselves


@dataclass(frozen=True)
class SharedFigures:
    figures: SessionFigures
    read_at: float  # seconds since the epoch, by the clock of the one who read
    took: float

    @property
    def age_seconds(self) -> int:
        return max(0, int(time.time() - self.read_at))

    @property
    def is_fresh(self) -> bool:
        return time.time() - self.read_at < min(LONGEST_REST, max(FRESH_SECONDS, REST * self.took))


def read_figures(session: LiveSession) -> SharedFigures:
    """Fresh ones from the cache; else one reads and the others show the last ones. With Redis away everybody reads."""
    key = f"live:figures:{session.pk}:{session.state}"
    known: SharedFigures | None = cache.get(key)
    if known and (known.is_fresh or not cache.add(f"{key}:reading", 1, READING_SECONDS)):
        return known
    began = time.time()
    figures = count_figures(session=session, at=timezone.now())
    shared = SharedFigures(figures=figures, read_at=began, took=time.time() - began)
    cache.set(key, shared, KEPT_SECONDS)
    cache.delete(f"{key}:reading")
    return shared
