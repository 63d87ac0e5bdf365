"""Life cycles of tasks and of the places creators take in them."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class TaskKind(models.TextChoices):
    """What the creator makes of the deal."""

    VIDEO = "video", _("Short video")
    LIVE = "live", pgettext_lazy("task", "Live stream")


class Channel(models.TextChoices):
    """Where a creator publishes."""

    DOUYIN = "douyin", _("Douyin")
    KUAISHOU = "kuaishou", _("Kuaishou")
    XIAOHONGSHU = "xiaohongshu", _("Xiaohongshu")
    WECHAT = "wechat", _("WeChat Channels")
    BILIBILI = "bilibili", _("Bilibili")
    OTHER = "other", pgettext_lazy("channel", "Elsewhere")


class TaskState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("task", "Draft")
    OPEN = "open", pgettext_lazy("task", "Open")
    FULL = "full", pgettext_lazy("task", "All places taken")
    ENDED = "ended", pgettext_lazy("task", "Ended")


TASK_TRANSITIONS: dict[TaskState, set[TaskState]] = {
    TaskState.DRAFT: {TaskState.OPEN, TaskState.ENDED},
    TaskState.OPEN: {TaskState.FULL, TaskState.ENDED},
    TaskState.FULL: {TaskState.OPEN, TaskState.ENDED},  # a place given back opens the task again
    TaskState.ENDED: set(),
}


class ClaimState(models.TextChoices):
    CLAIMED = "claimed", pgettext_lazy("claim", "Asked for")
    APPROVED = "approved", pgettext_lazy("claim", "Approved")
    VISITED = "visited", pgettext_lazy("claim", "Visited the store")
    SUBMITTED = "submitted", pgettext_lazy("claim", "Handed in")
    ACCEPTED = "accepted", pgettext_lazy("claim", "Accepted")
    RETURNED = "returned", pgettext_lazy("claim", "Returned for changes")
    RELEASED = "released", pgettext_lazy("claim", "Released by the merchant")
    QUIT = "quit", pgettext_lazy("claim", "Given up by the creator")
    EXPIRED = "expired", pgettext_lazy("claim", "Time ran out")
    DECLINED = "declined", pgettext_lazy("claim", "Declined")


CLAIM_TRANSITIONS: dict[ClaimState, set[ClaimState]] = {
    ClaimState.CLAIMED: {ClaimState.APPROVED, ClaimState.DECLINED, ClaimState.QUIT, ClaimState.EXPIRED},
    ClaimState.APPROVED: {
        ClaimState.VISITED,
        ClaimState.SUBMITTED,
        ClaimState.RELEASED,
        ClaimState.QUIT,
        ClaimState.EXPIRED,
    },
    ClaimState.VISITED: {ClaimState.SUBMITTED, ClaimState.RELEASED, ClaimState.QUIT, ClaimState.EXPIRED},
    # what is not answered in time counts as accepted: the creator has done his part
    ClaimState.SUBMITTED: {ClaimState.ACCEPTED, ClaimState.RETURNED},
    ClaimState.RETURNED: {ClaimState.SUBMITTED, ClaimState.RELEASED, ClaimState.QUIT, ClaimState.EXPIRED},
    ClaimState.ACCEPTED: set(),
    ClaimState.RELEASED: set(),
    ClaimState.QUIT: set(),
    ClaimState.EXPIRED: set(),
    ClaimState.DECLINED: set(),
}

# A claim that holds a place of its task; the others have given theirs back.
HOLDING = (
    ClaimState.CLAIMED,
    ClaimState.APPROVED,
    ClaimState.VISITED,
    ClaimState.SUBMITTED,
    ClaimState.RETURNED,
    ClaimState.ACCEPTED,
)


class ExclusivityState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("exclusivity", "Waits for the merchant")
    IN_FORCE = "in_force", pgettext_lazy("exclusivity", "In force")
    REFUSED = "refused", pgettext_lazy("exclusivity", "Refused")
    ENDED = "ended", pgettext_lazy("exclusivity", "Ended")


EXCLUSIVITY_TRANSITIONS: dict[ExclusivityState, set[ExclusivityState]] = {
    ExclusivityState.PROPOSED: {ExclusivityState.IN_FORCE, ExclusivityState.REFUSED},
    ExclusivityState.IN_FORCE: {ExclusivityState.ENDED},
    ExclusivityState.REFUSED: set(),
    ExclusivityState.ENDED: set(),
}


class Standing(models.TextChoices):
    """How far a creator has come; told by his own record and what he states."""

    NEW = "new", pgettext_lazy("creator", "New")
    SMALL = "small", pgettext_lazy("creator", "Small")
    LARGE = "large", pgettext_lazy("creator", "Large")


class Slot(models.TextChoices):
    """For whom a place of the board's first page was reserved."""

    STARTER = "starter", pgettext_lazy("board", "A new creator")
    NEWCOMER = "newcomer", pgettext_lazy("board", "A new merchant")
