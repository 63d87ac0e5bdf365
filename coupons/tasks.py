"""Imports whose job handlers must be known to every process."""

from coupons.domain import orders, refunds
from coupons.payment_providers import sandbox

__all__ = ["orders", "refunds", "sandbox"]
