"""What became of every row: imported, imported with named warnings, or refused with a reason. It adds up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MAX_NAMED_ROWS = 500  # rows listed one by one; the counts are always complete


class RowRefused(Exception):
    """This row cannot be imported; `code` is the reason, `value` what stood there."""

    def __init__(self, code: str, value: str = "") -> None:
        super().__init__(code, value)
        self.code = code
        self.value = value


@dataclass(frozen=True)
class NamedRow:
    """A row to look at: its number in the spreadsheet, what it is called, and the codes that were given."""

    number: int
    title: str
    codes: list[str]
    value: str = ""


@dataclass
class ImportReport:
    rows: int = 0
    imported: int = 0
    with_warnings: int = 0
    refused: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    warned_rows: list[NamedRow] = field(default_factory=list)
    refused_rows: list[NamedRow] = field(default_factory=list)

    def accept(self, *, number: int, title: str, warnings: Iterable[str]) -> None:
        """Count a row that is imported; each warning counts once per row."""
        codes = sorted(set(warnings))
        self.rows += 1
        self.imported += 1
        if codes:
            self.with_warnings += 1
            self.warnings.update(codes)
            if len(self.warned_rows) < MAX_NAMED_ROWS:
                self.warned_rows.append(NamedRow(number=number, title=title, codes=codes))

    def refuse(self, *, number: int, title: str, code: str, value: str = "") -> None:
        """Count a row that is not imported."""
        self.rows += 1
        self.refused += 1
        self.refusals[code] += 1
        if len(self.refused_rows) < MAX_NAMED_ROWS:
            self.refused_rows.append(NamedRow(number=number, title=title, codes=[code], value=value[:80]))

    def check_adds_up(self, *, rows: int) -> None:
        """Every row of the file is accounted for, once. An AssertionError here is a bug in the importer."""
        sums = (
            (self.rows, rows),
            (self.imported + self.refused, self.rows),
            (self.created + self.updated + self.unchanged, self.imported),
            (sum(self.refusals.values()), self.refused),
        )
        if any(got != wanted for got, wanted in sums):
            raise AssertionError(f"the import does not add up: {sums}")

    def as_json(self) -> dict[str, Any]:
        """The stable keys first; created, updated and unchanged add up to imported."""
        return {
            "rows": self.rows,
            "imported": self.imported,
            "with_warnings": self.with_warnings,
            "refused": self.refused,
            "warnings": dict(self.warnings.most_common()),
            "refusals": dict(self.refusals.most_common()),
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
        }
