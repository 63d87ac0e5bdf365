"""A statement's lines as CSV or XLSX: amounts as numbers, moments in ISO 8601 with their zone, no cell a formula."""

import csv
import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from coupons.domain.codes import mask_code
from coupons.settlement.domain.breakdown import AMOUNTS
from coupons.settlement.models import SettlementLine, Statement

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
ROWS_AT_ONCE = 2000


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
        redemption = line.redemption
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


def safe_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def stream_csv(*, head: list[str], body: Iterable[list[Any]]) -> Iterator[str]:
    """CSV text piece by piece, beginning with the mark by which spreadsheets know UTF-8."""
    writer = csv.writer(_Echo())
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + writer.writerow(head)
    for row in body:
        yield writer.writerow(row)


def write_xlsx(*, title: str, head: list[str], body: Iterable[list[Any]]) -> IO[bytes]:
    """An XLSX file in a temporary file, written row by row (memory does not grow with the lines)."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    sheet.append(head)
    for row in body:
        sheet.append([_cell(sheet, value) for value in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: Any, value: Any) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, Decimal):
        cell.number_format = "#,##0.00"
    return cell


class _Echo:
    """Gives csv.writer's line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line
