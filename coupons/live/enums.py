"""The life cycle of a live session."""

from django.db import models
from django.utils.translation import gettext_lazy as _
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


class RehearsalState(models.TextChoices):
    REQUESTED = "requested", pgettext_lazy("rehearsal", "Starting")
    RUNNING = "running", pgettext_lazy("rehearsal", "Running")
    FINISHED = "finished", pgettext_lazy("rehearsal", "Finished")
    FAILED = "failed", pgettext_lazy("rehearsal", "Broke off")
    CANCELLED = "cancelled", pgettext_lazy("rehearsal", "Cancelled")


REHEARSAL_TRANSITIONS: dict[RehearsalState, set[RehearsalState]] = {
    RehearsalState.REQUESTED: {RehearsalState.RUNNING, RehearsalState.FAILED, RehearsalState.CANCELLED},
    RehearsalState.RUNNING: {RehearsalState.FINISHED, RehearsalState.FAILED, RehearsalState.CANCELLED},
    RehearsalState.FINISHED: set(),
    RehearsalState.FAILED: set(),
    RehearsalState.CANCELLED: set(),
}


class RehearsalPhase(models.TextChoices):
    """What a running rehearsal does now."""

    PREPARING = "preparing", pgettext_lazy("rehearsal", "Building the shadow shop")
    LOADING = "loading", pgettext_lazy("rehearsal", "Under load")
    SELLING_OUT = "selling_out", pgettext_lazy("rehearsal", "Selling what is left")
    CHECKING = "checking", pgettext_lazy("rehearsal", "Checking the books")


class RehearsalFault(models.TextChoices):
    """What is broken on purpose."""

    WORKER_KILLED = "worker_killed", _("Worker killed")
    SLOW_PROVIDER = "slow_provider", _("Payment provider slow")
    DISORDER = "disorder", _("Notifications twice and out of order")
    REDIS_RESTARTED = "redis_restarted", _("Redis killed and restarted")


class RehearsalFailure(models.TextChoices):
    """Why a rehearsal broke off."""

    LOST = "lost", _("Its process ended without a word; the server was probably restarted.")
    NOT_STARTED = "not_started", _("Its process did not start.")
    GENERATOR = "generator", _("The load generator ended early.")
    WEB = "web", _("Its web server did not answer.")
    ERROR = "error", _("An error of the rehearsal itself; the server's log says which.")
    WENT_LIVE = "went_live", _("The session went live, and customers come first.")
