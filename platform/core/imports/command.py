"""What the import commands share: plain one-sentence refusals with exit status 2, the file, the progress bar."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.utils.translation import override
from tqdm import tqdm

from core.imports.mapping import ColumnMissing
from core.imports.report import ImportReport
from core.imports.table import MAX_FILE_BYTES, Row, Table, TableFault, TableUnreadable, read_table

REFUSED_STATUS = 2
NOT_ALL_DONE_STATUS = 1
LONGEST_SLUG = 60
REFUSED_ROWS_SAID = 20


def stop(sentence: str) -> NoReturn:
    """Say why nothing was done, and leave with status 2."""
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(REFUSED_STATUS)


def answer_plainly(parser: argparse.ArgumentParser) -> None:
    """A wrong option is answered by one sentence instead of the whole usage."""

    def refuse(message: str) -> NoReturn:
        stop(f"{message[0].upper()}{message[1:]} (see --help).")

    parser.error = refuse  # type: ignore[method-assign]


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="CSV (any encoding and delimiter, also .gz) or XLSX")
    parser.add_argument("--merchant", required=True, metavar="SLUG", help="created when unknown")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, report what would happen")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="correct the mapping of one field; FIELD= leaves it out",
    )


def load_table(path: str) -> Table:
    """The table of the file, or stop()."""
    file = Path(path)
    if not file.is_file():
        stop(f"There is no file {path}.")
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise TableUnreadable(why=TableFault.TOO_LARGE)
        content = file.read_bytes()
        return read_table(content=content)
    except OSError as error:
        stop(f"{path} cannot be read: {error.strerror}.")
    except TableUnreadable as error:
        with override("en"):
            stop(f"{path}: {TableFault(error.facts['why']).label}")


def corrected_mapping(
    guessed: dict[str, str], corrections: list[str], fields: Iterable[str]
) -> dict[str, str]:
    """The guessed mapping with --map applied, or stop()."""
    mapping = dict(guessed)
    for correction in corrections:
        name, sign, column = correction.partition("=")
        if not sign or name not in set(fields):
            stop(f"--map {correction} is not FIELD=COLUMN with FIELD one of {', '.join(fields)}.")
        mapping.pop(name, None)
        if column:
            mapping = {field: used for field, used in mapping.items() if used != column}
            mapping[name] = column
    return mapping


def sentence_of(error: Any) -> str:
    """ColumnMissing, ColumnUnknown, ColumnTwice in one sentence."""
    if isinstance(error, ColumnMissing):
        columns = ", ".join(error.facts["columns"])
        return f"No column for {error.facts['field']!r} among: {columns}. Name it with --map {error.facts['field']}=COLUMN."
    if error.code == "column_unknown":
        return f"The file has no column {error.facts['column']!r}."
    return f"Column {error.facts['column']!r} is mapped to two fields."


def progress_bar(rows: Iterable[Row]) -> Iterable[Row]:
    """A bar on standard error where that is a terminal, silence elsewhere."""
    return tqdm(rows, unit="row", file=sys.stderr, disable=None)


def checked_slug(slug: str) -> str:
    """The slug, or stop()."""
    try:
        validate_slug(slug)
    except ValidationError:
        stop(f"{slug!r} is no short name: letters, digits and hyphens only.")
    if len(slug) > LONGEST_SLUG:
        stop(f"A short name has at most {LONGEST_SLUG} characters.")
    return slug


def say_report(
    write: Callable[[str], object], report: ImportReport, mapping: dict[str, str], *, dry_run: bool
) -> None:
    """The mapping that was used, the counts, every code, and the first refused rows."""
    for field, column in mapping.items():
        write(f"  {field} <- {column}")
    would = "would be " if dry_run else ""
    write(
        f"{report.rows} rows: {report.imported} {would}imported ({report.created} new, {report.updated} updated, "
        f"{report.unchanged} as before), {report.with_warnings} of them with warnings; {report.refused} refused."
    )
    for title, counts in (("warning", report.warnings), ("refused", report.refusals)):
        for code, count in counts.most_common():
            write(f"  {title}: {code} {count}")
    for row in report.refused_rows[:REFUSED_ROWS_SAID]:
        write(f"  row {row.number}: {row.codes[0]} {row.value}".rstrip())
