"""Places of the first page that are kept for newcomers: for tasks which their score alone would not bring there.

Two of ten. What is new has no record, so it is shown to nobody, so it gets none: the kept places break that circle. The best of
the wanted kind by the same score gets the place; where enough of them stand on the page by themselves, or there are none, the
place is an ordinary one.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

PAGE = 10
KEPT = (4, 8)  # counted from 1: seen, but not first

Row = TypeVar("Row")
Purpose = TypeVar("Purpose", bound=Hashable)


def keep_places(
    ranked: Sequence[Row], purposes: Sequence[tuple[Purpose, Callable[[Row], bool]]]
) -> tuple[list[Row], dict[int, Purpose]]:
    """The rows with the kept places filled for these purposes in turn; by index (from 0), what a row stands there for."""
    page = PAGE - len(KEPT)
    used: set[int] = set()
    picked: list[tuple[int, Purpose]] = []
    for purpose, is_for in purposes:
        index = next((index for index, row in enumerate(ranked) if index not in used and is_for(row)), None)
        if index is None:
            continue
        used.add(index)
        if index >= page:
            picked.append((index, purpose))
    lifted = {index for index, _ in picked}
    rows = [row for index, row in enumerate(ranked) if index not in lifted]
    kept: dict[int, Purpose] = {}
    for place, (index, purpose) in zip(KEPT, picked, strict=False):
        rows.insert(place - 1, ranked[index])
        kept[place - 1] = purpose
    return rows, kept
