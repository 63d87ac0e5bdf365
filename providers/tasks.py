"""The imports whose job handlers every process must know."""

from providers.domain import engagements

__all__ = ["engagements"]
