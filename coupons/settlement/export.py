"""A statement's lines as rows of a file: amounts as numbers, moments in ISO 8601 with their zone, no cell a formula."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from core.exports import safe_text
from coupons.domain.codes import mask_code
from coupons.settlement.domain.breakdown import AMOUNTS
from coupons.settlement.models import SettlementLine, Statement


def header(*, currency: str) -> list[str]:
    """Column heads in the active language; the amounts' name the currency."""
    return [
        _("Statement number"), _("Redemption number"), _("Redeemed at"), _("Business date"), _("Store number"), _("Store"),
        _("Clerk"), _("Deal"), _("Coupon code"), _("Use number"),
        _("Redeemed (%(currency)s)") % {"currency": currency},
        _("Platform fee (%(currency)s)") % {"currency": currency},
        _("Service fee (%(currency)s)") % {"currency": currency},
        _("Station share (%(currency)s)") % {"currency": currency},
        _("Commission (%(currency)s)") % {"currency": currency},
        _("Net (%(currency)s)") % {"currency": currency},
    ]  # fmt: skip


def rows(*, statement: Statement, lines: Iterable[SettlementLine], zone: ZoneInfo) -> Iterator[list[Any]]:
    """One row per line; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    for line in lines:
        redemption = line.use
        yield [
            statement.number,
            str(redemption.pk),  # 63 bits: a spreadsheet keeps 53 of a number
            redemption.redeemed_at.astimezone(zone).isoformat(timespec="seconds"),
            line.business_date.isoformat(),
            safe_text(line.store.number),
            safe_text(line.store.name),
            safe_text(redemption.clerk.name),
            safe_text(line.deal.title),
            mask_code(line.coupon.code),
            redemption.use_no,
            *(Decimal(getattr(line, name)).scaleb(-2) for name in AMOUNTS),
        ]
