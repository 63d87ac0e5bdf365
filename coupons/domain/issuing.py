"""Coupons come into being: one row each when an order is paid."""

from datetime import datetime

from django.db import IntegrityError, transaction

from coupons.domain.codes import new_code
from coupons.domain.deal_terms import validity
from coupons.models import Coupon, Order

CODE_TRIES = 3  # 10^14 codes per merchant: a second try is already rare


def mint_coupons(*, order: Order, at: datetime) -> list[Coupon]:
    """The coupons of an order paid at this moment; call inside the transaction that marks it paid."""
    valid_from, valid_until = validity(terms=order.terms, paid_at=at, zone=order.merchant.tzinfo)
    uses_total = order.terms["uses_total"]
    for attempt in range(CODE_TRIES):
        coupons = [
            Coupon(
                merchant_id=order.merchant_id,
                order=order,
                deal_id=order.deal_id,
                customer_id=order.customer_id,
                code=new_code(),
                price_fen=order.unit_price_fen,
                uses_total=uses_total,
                uses_left=uses_total,
                valid_from=valid_from,
                valid_until=valid_until,
                issued_at=at,
            )
            for _ in range(order.quantity)
        ]
        try:
            with transaction.atomic():
                return Coupon.objects.bulk_create(coupons)
        except IntegrityError:
            if attempt == CODE_TRIES - 1:
                raise
    raise AssertionError("unreachable")
