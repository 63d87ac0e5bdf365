"""Life cycles of who serves merchants."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class EngagementState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("engagement", "Proposed")
    ACTIVE = "active", pgettext_lazy("engagement", "Active")
    CHANGING = "changing", pgettext_lazy("engagement", "A change is proposed")
    ENDED = "ended", pgettext_lazy("engagement", "Ended")


ENGAGEMENT_TRANSITIONS: dict[EngagementState, set[EngagementState]] = {
    EngagementState.PROPOSED: {EngagementState.ACTIVE, EngagementState.ENDED},
    EngagementState.ACTIVE: {EngagementState.CHANGING, EngagementState.ENDED},
    EngagementState.CHANGING: {EngagementState.ACTIVE, EngagementState.ENDED},
    EngagementState.ENDED: set(),
}


class OfferState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("engagement", "Proposed")
    AGREED = "agreed", pgettext_lazy("engagement", "Agreed")
    REFUSED = "refused", pgettext_lazy("engagement", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("engagement", "Withdrawn")


OFFER_TRANSITIONS: dict[OfferState, set[OfferState]] = {
    OfferState.PROPOSED: {OfferState.AGREED, OfferState.REFUSED, OfferState.WITHDRAWN},
    OfferState.AGREED: set(),
    OfferState.REFUSED: set(),
    OfferState.WITHDRAWN: set(),
}


class EndReason(models.TextChoices):
    """Why an engagement is over."""

    MERCHANT = "merchant", _("Ended by the merchant")
    PROVIDER = "provider", _("Ended by the provider")
    REFUSED = "refused", _("Never agreed")
