"""How states and distances are shown."""

from django.utils.translation import gettext as _

from providers.creators.enums import ClaimState, TaskState

TASK_STATUS = {
    TaskState.DRAFT: "idle",
    TaskState.OPEN: "ok",
    TaskState.FULL: "info",
    TaskState.ENDED: "idle",
}
CLAIM_STATUS = {
    ClaimState.CLAIMED: "warn",
    ClaimState.APPROVED: "info",
    ClaimState.VISITED: "info",
    ClaimState.SUBMITTED: "warn",
    ClaimState.ACCEPTED: "ok",
    ClaimState.RETURNED: "bad",
    ClaimState.RELEASED: "idle",
    ClaimState.QUIT: "idle",
    ClaimState.EXPIRED: "idle",
    ClaimState.DECLINED: "idle",
}


def distance(metres: float | None) -> str:
    """As people say it: to ten metres below a kilometre, to a hundred above; empty where it is not known."""
    if metres is None:
        return ""
    if metres < 1_000:
        return _("%(metres)s m") % {"metres": max(10, round(metres / 10) * 10)}
    return _("%(km)s km") % {"km": f"{metres / 1_000:.1f}"}
