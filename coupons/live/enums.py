"""The life cycle of a live session."""

from django.db import models
from django.utils.translation import pgettext_lazy


class LiveState(models.TextChoices):
    PLANNED = "planned", pgettext_lazy("live session", "Planned")
    LIVE = "live", pgettext_lazy("live session", "Live")
    ENDED = "ended", pgettext_lazy("live session", "Ended")
    CANCELLED = "cancelled", pgettext_lazy("live session", "Cancelled")


LIVE_SESSION_TRANSITIONS: dict[LiveState, set[LiveState]] = {
    LiveState.PLANNED: {LiveState.LIVE, LiveState.CANCELLED},
    LiveState.LIVE: {LiveState.ENDED},
    LiveState.ENDED: set(),
    LiveState.CANCELLED: set(),
}
