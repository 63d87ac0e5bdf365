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


class StationState(models.TextChoices):
    PREPARING = "preparing", pgettext_lazy("station", "Preparing")
    OPEN = "open", pgettext_lazy("station", "Open")
    CLOSED = "closed", pgettext_lazy("station", "Closed")


STATION_TRANSITIONS: dict[StationState, set[StationState]] = {
    StationState.PREPARING: {StationState.OPEN, StationState.CLOSED},
    StationState.OPEN: {StationState.CLOSED},
    StationState.CLOSED: set(),
}


class StationMerchantState(models.TextChoices):
    """What became of a merchant a station brings in."""

    PROPOSED = "proposed", pgettext_lazy("station", "Waits for the merchant")
    ACTIVE = "active", pgettext_lazy("station", "Looked after")
    REFUSED = "refused", pgettext_lazy("station", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("station", "Withdrawn")
    ENDED = "ended", pgettext_lazy("station", "Over")


STATION_MERCHANT_TRANSITIONS: dict[StationMerchantState, set[StationMerchantState]] = {
    StationMerchantState.PROPOSED: {
        StationMerchantState.ACTIVE,
        StationMerchantState.REFUSED,
        StationMerchantState.WITHDRAWN,
    },
    StationMerchantState.ACTIVE: {StationMerchantState.ENDED},
    StationMerchantState.REFUSED: set(),
    StationMerchantState.WITHDRAWN: set(),
    StationMerchantState.ENDED: set(),
}
