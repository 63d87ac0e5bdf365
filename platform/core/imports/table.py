"""Read a table out of CSV (any encoding and delimiter, also .gz) or XLSX, within limits."""

import csv
import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import charset_normalizer
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL_CHARACTERS = 10_000
DELIMITERS = ",;\t|"
# What files of shops in our languages are written in, after UTF-8; GB 18030 contains GBK and GB 2312.
ENCODINGS = ["gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252"]
XLSX_MARK = b"PK\x03\x04"
GZIP_MARK = b"\x1f\x8b"
OLD_EXCEL_MARK = b"\xd0\xcf\x11\xe0"


class TableFault(models.TextChoices):
    """Why a file is no table we can read."""

    EMPTY = "empty", _("The file is empty.")
    TOO_LARGE = "too_large", _("The file is too large: at most 20 MB, 200 MB unpacked.")
    TOO_MANY_ROWS = "too_many_rows", _("The file has more than 200,000 rows; split it.")
    TOO_MANY_ROWS_FOR_A_PAGE = (
        "too_many_rows_for_a_page",
        _("The file has more than 20,000 rows; split it, or ask the operator to import it."),
    )
    TOO_MANY_COLUMNS = "too_many_columns", _("The file has more than 200 columns.")
    CELL_TOO_LONG = (
        "cell_too_long",
        _("A cell holds more than 10,000 characters; is a quotation mark missing?"),
    )
    OLD_EXCEL = "old_excel", _("This is an old Excel file (.xls); save it as .xlsx or CSV.")
    NOT_A_TABLE = "not_a_table", _("This is neither a CSV file nor an Excel workbook (.xlsx).")
    ENCODING_UNKNOWN = "encoding_unknown", _("The characters cannot be read; save the file as CSV UTF-8.")
    NO_HEADER = "no_header", _("The file has no header row with the names of the columns.")
    COLUMN_TWICE = "column_twice", _("Two columns have the same name.")


class TableUnreadable(DomainError):
    """The file is no table we can read; `facts["why"]` is a TableFault."""

    code = "table_unreadable"


@dataclass(frozen=True)
class Row:
    """Cells by column, trimmed; `number` is the row's number in a spreadsheet program (the header is row 1)."""

    number: int
    cells: dict[str, str]
    is_ragged: bool = False  # more cells than the header has columns


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[Row]
    encoding: str  # "" for a workbook


def read_table(*, content: bytes) -> Table:
    """The first sheet as text. Raises TableUnreadable(why=…) and never reads past the limits above.

    Header names and cells lose surrounding spaces; rows without any content are no rows. The kind of file is told by
    its first bytes, not by its name.
    """
    if len(content) > MAX_FILE_BYTES:
        raise TableUnreadable(why=TableFault.TOO_LARGE)
    if content.startswith(GZIP_MARK):
        content = _unpack(content)
    if not content.strip():
        raise TableUnreadable(why=TableFault.EMPTY)
    if content.startswith(OLD_EXCEL_MARK):
        raise TableUnreadable(why=TableFault.OLD_EXCEL)
    if content.startswith(XLSX_MARK):
        return _table(_workbook_rows(content), encoding="")
    text, encoding = _decode(content)
    return _table(_text_rows(text), encoding=encoding)


def _unpack(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError) as error:
        raise TableUnreadable(why=TableFault.NOT_A_TABLE) from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise TableUnreadable(why=TableFault.TOO_LARGE)
    return unpacked


def _decode(content: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _decode_as(content, encoding), encoding
    if b"\x00" in content[:4096]:
        raise TableUnreadable(why=TableFault.NOT_A_TABLE)
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    best = charset_normalizer.from_bytes(content, cp_isolation=ENCODINGS).best()
    if best is None:
        raise TableUnreadable(why=TableFault.ENCODING_UNKNOWN)
    return str(best), best.encoding


def _decode_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise TableUnreadable(why=TableFault.ENCODING_UNKNOWN) from error


def _text_rows(text: str) -> Iterator[list[str]]:
    first_line = text.splitlines()[0] if text else ""
    delimiter = max(DELIMITERS, key=lambda mark: (first_line.count(mark), -DELIMITERS.index(mark)))
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        is_endless = "field limit" in str(error)  # a quotation mark that is never closed
        why = TableFault.CELL_TOO_LONG if is_endless else TableFault.NOT_A_TABLE
        raise TableUnreadable(why=why) from error


def _workbook_rows(content: bytes) -> Iterator[list[str]]:
    import openpyxl  # heavy; only where a workbook comes in

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # A small file that unpacks to gigabytes is an attack, not a list of shops.
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise TableUnreadable(why=TableFault.TOO_LARGE)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size of the sheet
        for cells in sheet.iter_rows(values_only=True):
            yield [_cell_text(cell) for cell in cells]
    except TableUnreadable:
        raise
    except Exception as error:  # a broken workbook fails in many ways inside openpyxl
        raise TableUnreadable(why=TableFault.NOT_A_TABLE) from error


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # 310000.0 is the postcode 310000
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def _table(lines: Iterable[list[str]], *, encoding: str) -> Table:
    columns: list[str] = []
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip().replace("\x00", "") for cell in line]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if not columns:
            columns = _header(cells)
            continue
        if len(rows) >= MAX_ROWS:
            raise TableUnreadable(why=TableFault.TOO_MANY_ROWS, limit=MAX_ROWS)
        if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
            raise TableUnreadable(why=TableFault.CELL_TOO_LONG, row=number)
        values = dict(zip(columns, cells + [""] * len(columns), strict=False))
        rows.append(Row(number=number, cells=values, is_ragged=len(cells) > len(columns)))
    if not columns:
        raise TableUnreadable(why=TableFault.NO_HEADER)
    return Table(columns=columns, rows=rows, encoding=encoding)


def _header(cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise TableUnreadable(why=TableFault.TOO_MANY_COLUMNS, limit=MAX_COLUMNS)
    twice = [name for name, count in Counter(cells).items() if name and count > 1]
    if twice:
        raise TableUnreadable(why=TableFault.COLUMN_TWICE, column=twice[0])
    # A column without a name keeps its place and can be mapped by it.
    return [name or f"#{place}" for place, name in enumerate(cells, start=1)]
