"""Which column of a foreign file is which of our fields: guessed from known names, shown, correctable."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from core.errors import DomainError
from core.imports.table import Row


@dataclass(frozen=True)
class ImportField:
    """One of our fields; `aliases` are the names other programs give it, most telling first."""

    name: str
    label: str | Promise
    aliases: tuple[str, ...]
    is_required: bool = False


class ColumnMissing(DomainError):
    """No column was found for a required field."""

    code = "column_missing"


class ColumnUnknown(DomainError):
    """The mapping names a column the file does not have."""

    code = "column_unknown"


class ColumnTwice(DomainError):
    """The mapping gives one column to two fields."""

    code = "column_twice"


def guess_mapping(*, fields: Sequence[ImportField], columns: Sequence[str]) -> dict[str, str]:
    """Our field -> column of the file, for what is recognised by name; each column at most once."""
    by_plain_name = {plain(column): column for column in reversed(columns)}
    mapping: dict[str, str] = {}
    taken: set[str] = set()
    for field in fields:
        for alias in (field.name, *field.aliases):
            column = by_plain_name.get(plain(alias))
            if column and column not in taken:
                mapping[field.name] = column
                taken.add(column)
                break
    return mapping


def check_mapping(
    *, mapping: Mapping[str, str], fields: Sequence[ImportField], columns: Sequence[str]
) -> None:
    """Raises ColumnMissing, ColumnUnknown or ColumnTwice."""
    used: set[str] = set()
    for field in fields:
        column = mapping.get(field.name, "")
        if field.is_required and not column:
            raise ColumnMissing(field=field.name, columns=list(columns))
        if column and column not in columns:
            raise ColumnUnknown(column=column)
        if column and column in used:
            raise ColumnTwice(column=column)
        used.add(column)


def mapped_values(*, row: Row, mapping: Mapping[str, str]) -> dict[str, str]:
    """The row's cells under our field names; a field without a column is absent."""
    return {field: row.cells.get(column, "") for field, column in mapping.items() if column}


def plain(name: str) -> str:
    """ " Store Number " and "store_number" are one name."""
    return re.sub(r"[\W_]+", "", name).casefold()
