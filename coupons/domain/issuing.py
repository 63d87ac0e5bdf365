"""Coupons come into being: one row each when an order is paid."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from coupons.domain.codes import new_code
from coupons.domain.deal_terms import validity
from coupons.enums import CouponState
from coupons.models import Coupon, Order

CODE_TRIES = 3  # 10^14 codes per merchant: a second try is already rare


def coupon_fields(*, order: Order, zone: ZoneInfo, at: datetime) -> dict[str, Any]:
    """All but the code of each coupon of an order that is paid at this moment; bulk_issuing.py mints by the same."""
    valid_from, valid_until = validity(terms=order.terms, paid_at=at, zone=zone)
    return {
        "merchant_id": order.merchant_id,
        "order_id": order.pk,
        "deal_id": order.deal_id,
        "customer_id": order.customer_id,
        "price_fen": order.unit_price_fen,
        "uses_total": order.terms["uses_total"],
        "uses_left": order.terms["uses_total"],
        "state": CouponState.ISSUED,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "issued_at": at,
    }


def mint_coupons(*, order: Order, at: datetime) -> list[Coupon]:
    """The coupons of an order paid at this moment; call inside the transaction that marks it paid."""
    fields = coupon_fields(order=order, zone=order.merchant.tzinfo, at=at)
    for attempt in range(CODE_TRIES):
        coupons = [Coupon(code=new_code(), **fields) for _ in range(order.quantity)]
        try:
            with transaction.atomic():
                return Coupon.objects.bulk_create(coupons)
        except IntegrityError:
            if attempt == CODE_TRIES - 1:
                raise
    raise AssertionError("unreachable")
