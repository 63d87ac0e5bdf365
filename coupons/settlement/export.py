"""A statement as a file: its lines as CSV or XLSX, or the bundle that checks itself.

Amounts are numbers, moments ISO 8601 with their zone, no cell a formula. Who serves the merchant is not told who works there.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from core.exports import ROWS_AT_ONCE, safe_text, stream_csv, write_xlsx
from coupons.domain.codes import mask_code
from coupons.settlement.domain.breakdown import AMOUNTS, RATES, list_lines
from coupons.settlement.domain.bundle import write_bundle
from coupons.settlement.enums import FileForm, PayeeKind
from coupons.settlement.models import SettlementLine, Statement

CONTENT_TYPES = {
    FileForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileForm.CSV: "text/csv; charset=utf-8",
    FileForm.BUNDLE: "application/zip",
}


def file_name(*, statement: Statement, form: FileForm) -> str:
    """Says whose book it is of, since a payee gets statements of several merchants."""
    return f"{statement.merchant.slug}-{statement.number}.{form}"


def write_file(statement: Statement, form: FileForm, to: IO[bytes], on_rows: Callable[[int], None]) -> None:
    """Write the whole file in the active language; on_rows is told after every ROWS_AT_ONCE lines how many are written."""
    if form == FileForm.BUNDLE:
        write_bundle(statement=statement, to=to, on_rows=on_rows)
        return
    lines = _counted(list_lines(statement=statement).iterator(chunk_size=ROWS_AT_ONCE), on_rows)
    head, body = header(statement=statement), rows(statement=statement, lines=lines)
    if form == FileForm.CSV:
        for text in stream_csv(head=head, body=body):
            to.write(text.encode())
        return
    with write_xlsx(title=statement.number, head=head, body=body) as file:
        shutil.copyfileobj(file, to)


def header(*, statement: Statement) -> list[str]:
    """Column heads in the active language; the amounts' name the currency."""
    currency = {"currency": statement.merchant.currency}
    clerk = [_("Clerk")] if _shows_people(statement) else []
    return [
        _("Statement number"), _("Redemption number"), _("Redeemed at"), _("Business date"), _("Store number"), _("Store"),
        *clerk, _("Deal"), _("Coupon code"), _("Use number"), _("Kind of line"), _("Line number"),
        _("Platform fee (%)"), _("Service fee (%)"), _("Station share (%)"), _("Commission (%)"),
        _("Redeemed (%(currency)s)") % currency,
        _("Platform fee (%(currency)s)") % currency,
        _("Service fee (%(currency)s)") % currency,
        _("Station share (%(currency)s)") % currency,
        _("Commission (%(currency)s)") % currency,
        _("Net (%(currency)s)") % currency,
    ]  # fmt: skip


def rows(*, statement: Statement, lines: Iterable[SettlementLine]) -> Iterator[list[Any]]:
    """One row per line, refunds after use with negative amounts; texts a spreadsheet would take for formulas are guarded."""
    zone: ZoneInfo = statement.merchant.tzinfo
    shows_people = _shows_people(statement)
    use_kind, refund_kind = _("Redemption"), _("Refund after use")
    for line in lines:
        use = line.use
        yield [
            statement.number,
            str(use.pk),  # 63 bits: a spreadsheet keeps 53 of a number
            use.redeemed_at.astimezone(zone).isoformat(timespec="seconds"),
            line.business_date.isoformat(),
            safe_text(line.store.number),
            safe_text(line.store.name),
            *([safe_text(use.clerk.name)] if shows_people else []),
            safe_text(line.deal.title),
            mask_code(line.coupon.code),
            use.use_no,
            use_kind if line.refund_id is None else refund_kind,
            str(line.pk),
            *(Decimal(getattr(line, name)).scaleb(-2) for name in RATES),
            *(Decimal(getattr(line, name)).scaleb(-2) for name in AMOUNTS),
        ]


def _shows_people(statement: Statement) -> bool:
    return statement.kind == PayeeKind.MERCHANT


def _counted(lines: Iterable[SettlementLine], on_rows: Callable[[int], None]) -> Iterator[SettlementLine]:
    for number, line in enumerate(lines, 1):
        yield line
        if number % ROWS_AT_ONCE == 0:
            on_rows(number)


def open_file(statement: Statement, form: FileForm) -> IO[bytes]:
    """The file of a small statement, made at once; whoever sends it closes it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115
    write_file(statement, form, file, lambda rows: None)
    file.seek(0)
    return file
