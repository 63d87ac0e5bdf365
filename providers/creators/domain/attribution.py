"""Why an order counts for whom: told from what was frozen into it, not from what holds today."""

from dataclasses import dataclass

from django_scopes import scope

from coupons.models import Order, OrderShare, Placement
from providers.creators.domain.links import claim_of_rule
from providers.creators.models import TaskClaim


@dataclass(frozen=True)
class Attribution:
    """`placement` is the link the order was placed by, None: by none. `claim` is whose it was, where a creator's;
    `share` is his commission and `shares` is everybody's, in the order they are given in."""

    order: Order
    placement: Placement | None
    claim: TaskClaim | None
    share: OrderShare | None
    shares: list[OrderShare]


def explain_attribution(*, order: Order) -> Attribution:
    """By which link and rule the order counts; the same however often it is asked, for the facts are the order's own."""
    with scope(merchant=order.merchant_id):
        shares = list(OrderShare.objects.filter(order=order).select_related("payee").order_by("id"))
        placement = (
            Placement.objects.select_related("payee", "deal").filter(pk=order.placement_id).first()
            if order.placement_id
            else None
        )
    share = next((one for one in shares if one.kind == "commission"), None)
    key = claim_of_rule(rule=share.rule) if share else None
    claim = (
        TaskClaim.objects.filter(pk=key, merchant=order.merchant_id)
        .select_related("task__provider", "creator")
        .first()
        if key
        else None
    )
    return Attribution(order=order, placement=placement, claim=claim, share=share, shares=shares)
