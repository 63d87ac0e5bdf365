"""Three drafts to begin with."""

from django.utils.translation import gettext as _

from coupons.domain.deal_draft import DealDraft, GroupDraft, ItemDraft
from coupons.enums import DealKind

TEMPLATES = ("meal_for_two", "cash_voucher", "times_card")


def deal_template(name: str) -> DealDraft:
    """The starter of this name in the active language; an empty draft for any other name."""
    if name == "meal_for_two":
        return DealDraft(
            title=_("Meal for two"),
            price_fen=12800,
            list_price_fen=21600,
            groups=(
                GroupDraft(
                    name=_("Main dishes"),
                    choose=2,
                    items=(
                        ItemDraft(name=_("House hotpot base"), unit_price_fen=5800),
                        ItemDraft(name=_("Beef platter"), unit_price_fen=6800),
                    ),
                ),
                GroupDraft(
                    name=_("Vegetables"),
                    choose=1,
                    items=(
                        ItemDraft(name=_("Seasonal vegetables"), unit_price_fen=2800),
                        ItemDraft(name=_("Tofu platter"), unit_price_fen=2800),
                    ),
                ),
            ),
        )
    if name == "cash_voucher":
        return DealDraft(
            title=_("Voucher worth 100 yuan"),
            kind=DealKind.CASH_VOUCHER,
            price_fen=8800,
            list_price_fen=10000,
            face_value_fen=10000,
        )
    if name == "times_card":
        return DealDraft(
            title=_("Card for 5 visits"),
            kind=DealKind.TIMES_CARD,
            price_fen=29900,
            list_price_fen=49500,
            uses_total=5,
            valid_days=180,
        )
    return DealDraft()
