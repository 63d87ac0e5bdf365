"""Every invariant of the catalogue, over the shadow shop."""

from collections.abc import Callable

from core.invariants import check_invariants


def check_books(
    *, merchant_id: int, on_counted: Callable[[str, int], object] = lambda name, rows: None
) -> dict[str, int]:
    """Invariant -> rows that break it (0 is right); what is about the whole installation is asked about all of it."""
    return check_invariants(merchant_id=merchant_id, on_counted=on_counted).figures
