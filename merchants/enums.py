"""States of shops and staff."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Category(models.TextChoices):
    """What a merchant trades in: what territories, exclusive carrying and a creator's interests are stated in."""

    HOTPOT = "hotpot", _("Hotpot and barbecue")
    TEA = "tea", _("Tea, coffee and desserts")
    FOOD = "food", _("Restaurants and fast food")
    BEAUTY = "beauty", _("Hair, nails and beauty")
    FITNESS = "fitness", _("Sports and fitness")
    LEISURE = "leisure", _("Games, films and outings")
    TRAVEL = "travel", _("Hotels and travel")
    FAMILY = "family", _("Children and learning")
    SHOPPING = "shopping", _("Shops and groceries")
    OTHER = "other", pgettext_lazy("category", "Other")


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


class ShareKind(models.TextChoices):
    """What somebody else than the merchant takes of each use; this is also the order the fen left over are given in."""

    PLATFORM_FEE = "platform_fee", _("Platform fee")
    SERVICE_FEE = "service_fee", _("Service fee")
    STATION_SHARE = "station_share", _("Station share")
    COMMISSION = "commission", _("Commission")


class TermsState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("terms", "Proposed")
    IN_FORCE = "in_force", pgettext_lazy("terms", "In force")
    REFUSED = "refused", pgettext_lazy("terms", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("terms", "Withdrawn")
    ENDED = "ended", pgettext_lazy("terms", "Ended")


TERMS_TRANSITIONS: dict[TermsState, set[TermsState]] = {
    TermsState.PROPOSED: {TermsState.IN_FORCE, TermsState.REFUSED, TermsState.WITHDRAWN},
    TermsState.IN_FORCE: {TermsState.ENDED},
    TermsState.REFUSED: set(),
    TermsState.WITHDRAWN: set(),
    TermsState.ENDED: set(),
}


class StoreDoubt(models.TextChoices):
    """What an importer doubts about a store it imports all the same."""

    CITY_RENAMED = "city_renamed", _("City written otherwise; its official name was put in")
    CITY_IS_PROVINCE = "city_is_province", _("A province stands where the city should be")
    CITY_UNKNOWN = "city_unknown", _("City not known; kept as written")
    CITY_MISSING = "city_missing", _("No city")
    WRONG_PROVINCE = "wrong_province", _("Filed under a province the city is not in; the city's was put in")
    PROVINCE_CODE_UNOFFICIAL = (
        "province_code_unofficial",
        _("Province code 91 or 92; Hong Kong is 81 and Macau 82"),
    )
    PROVINCE_UNKNOWN = "province_unknown", _("Province not known; kept as written")
    OUTSIDE_CHINA = "outside_china", _("Outside China")
    ADDRESS_MISSING = "address_missing", _("No address")
    POSTCODE_MISSING = "postcode_missing", _("No postcode")
    POSTCODE_MALFORMED = "postcode_malformed", _("Postcode is not six digits; kept as written")
    PHONE_MISSING = "phone_missing", _("No phone")
    PHONE_MALFORMED = "phone_malformed", _("Phone cannot be dialled; kept as written")
    COORDINATES_MISSING = "coordinates_missing", _("No coordinates")
    COORDINATES_MALFORMED = "coordinates_malformed", _("Coordinates are not on earth; left out")
    TEXT_SHORTENED = "text_shortened", _("A text was too long and was cut")


class StoreRowRefusal(models.TextChoices):
    """Why a row of a file becomes no store."""

    NAME_MISSING = "name_missing", _("No name")
    NAME_TOO_LONG = "name_too_long", _("Name longer than 80 characters")
    NUMBER_TOO_LONG = "number_too_long", _("Store number longer than 40 characters")
    DUPLICATE_NUMBER = "duplicate_number", _("Store number stands in an earlier row")
    DUPLICATE_NAME = "duplicate_name", _("Name and city stand in an earlier row")
    TOO_MANY_CELLS = "too_many_cells", _("More cells than columns; is a quotation mark missing?")
