"""Whether a deal can be bought now, and how many."""

from datetime import datetime

from coupons.enums import DealState, SaleState, ValidityKind
from coupons.models import Deal


def sale_state(*, deal: Deal, at: datetime) -> SaleState:
    """What the shop says about a deal at this moment; the order asks again when it is placed."""
    if deal.state == DealState.PAUSED:
        return SaleState.PAUSED
    if deal.state != DealState.ONLINE or (deal.sale_until and at >= deal.sale_until):
        return SaleState.ENDED
    last_day = deal.valid_until_date if deal.validity_kind == ValidityKind.FIXED else None
    if last_day and at.astimezone(deal.merchant.tzinfo).date() > last_day:
        return SaleState.ENDED
    if deal.sale_from and at < deal.sale_from:
        return SaleState.NOT_YET
    return SaleState.SOLD_OUT if deal.stock.left == 0 else SaleState.ON_SALE


def most_per_order(*, deal: Deal) -> int:
    """The largest quantity an order may name: the limit per order and per person, and what is left."""
    limits = [deal.per_order_limit]
    if deal.per_person_limit is not None:
        limits.append(deal.per_person_limit)
    if deal.stock.left is not None:
        limits.append(deal.stock.left)
    return max(0, min(limits))
