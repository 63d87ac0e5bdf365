"""Lists of a long history, newest first. A page begins below a row: nothing is counted, and nothing shifts meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core.paths import LARGEST_ID

PARAMETER = "before"  # of the page's address: the id of the row above


@dataclass(frozen=True)
class NewestPage:
    """Rows of one page. `older` is the next page's parameter (None: there is none); `is_first` where nothing is above."""

    object_list: list[Any]
    is_first: bool
    older: int | None

    def __iter__(self) -> Iterator[Any]:
        return iter(self.object_list)


def read_newest(found: "QuerySet[Any]", *, before: str | None, size: int, moment: str = "") -> NewestPage:
    """The rows below the one whose id is `before`; the newest where it names none.

    `found` is ordered by `-moment, -id`, or without a moment by `-id`; with a moment the row is looked up among those found.
    """
    row_id = int(before) if before and before.isascii() and before.isdigit() and len(before) <= 19 else 0
    start = _below(found, row_id, moment) if 0 < row_id <= LARGEST_ID else None
    rows = list((found if start is None else found.filter(start))[: size + 1])
    return NewestPage(
        object_list=rows[:size],
        is_first=start is None,
        older=rows[size - 1].pk if len(rows) > size else None,
    )


def _below(found: "QuerySet[Any]", row_id: int, moment: str) -> Q | None:
    if not moment:
        return Q(pk__lt=row_id)
    at = found.order_by().filter(pk=row_id).values_list(moment, flat=True).first()
    if at is None:
        return None
    # The first condition is the second's bound in the index.
    return Q(**{f"{moment}__lte": at}) & (Q(**{f"{moment}__lt": at}) | Q(pk__lt=row_id))
