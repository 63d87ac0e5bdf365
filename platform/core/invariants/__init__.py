"""What must never be false: every floor's `invariants.sql`, collected into one catalogue and counted in one snapshot."""

from core.invariants.catalogue import Area, CatalogueFault, Invariant, by_area, collect, load_catalogue
from core.invariants.runner import Report, Sample, check_invariants

__all__ = [
    "Area",
    "CatalogueFault",
    "Invariant",
    "Report",
    "Sample",
    "by_area",
    "check_invariants",
    "collect",
    "load_catalogue",
]
