"""Every invariant of the catalogue, over the shadow shop."""

from core.invariants import check_invariants


def check_books(*, merchant_id: int) -> dict[str, int]:
    """Invariant -> rows that break it (0 is right); what is about the whole installation is asked about all of it."""
    return check_invariants(merchant_id=merchant_id).figures
