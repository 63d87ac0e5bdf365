"""States of shops and staff."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StoreState(models.TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed down")


STORE_TRANSITIONS: dict[StoreState, set[StoreState]] = {
    StoreState.OPEN: {StoreState.CLOSED},
    StoreState.CLOSED: {StoreState.OPEN},
}


class CoordinateSystem(models.TextChoices):
    GCJ02 = "gcj02", _("GCJ-02 (Amap, Tencent)")
    WGS84 = "wgs84", _("WGS-84 (GPS)")


class InvitationState(models.TextChoices):
    SENT = "sent", _("Sent")
    ACCEPTED = "accepted", _("Accepted")
    WITHDRAWN = "withdrawn", _("Withdrawn")


INVITATION_TRANSITIONS: dict[InvitationState, set[InvitationState]] = {
    InvitationState.SENT: {InvitationState.ACCEPTED, InvitationState.WITHDRAWN},
    InvitationState.ACCEPTED: set(),
    InvitationState.WITHDRAWN: set(),
}
