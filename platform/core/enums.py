"""States of what the ground itself keeps."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    READY = "ready", _("Waiting")
    DONE = "done", _("Done")
    DEAD = "dead", _("Gave up")


# A job is retried in place; done and dead are ends; an operator may wake a dead one, and who had it all along may still do it.
JOB_TRANSITIONS: dict[JobState, set[JobState]] = {
    JobState.READY: {JobState.DONE, JobState.DEAD},
    JobState.DONE: set(),
    JobState.DEAD: {JobState.READY, JobState.DONE},
}


class JobQueue(models.TextChoices):
    """Which workers do it. A hanging outside keeps its own waiting, and nobody else."""

    INSIDE = "inside", _("Our own work")
    OUTSIDE = "outside", _("Calls to others' servers")


class RunTrigger(models.TextChoices):
    """Who had the invariants checked."""

    NIGHTLY = "nightly", _("Every night")
    OPS = "ops", _("On this page")
    COMMAND = "command", _("By command")
    REHEARSAL = "rehearsal", _("Rehearsal")
