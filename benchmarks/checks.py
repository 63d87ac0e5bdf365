"""A benchmark that got something wrong has measured nothing."""

from django.core.management.base import CommandError


def require(fine: bool, why: str) -> None:
    """Raises CommandError, which fails the benchmark, where something is not as it must be."""
    if not fine:
        raise CommandError(why)
