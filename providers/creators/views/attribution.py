"""Why an order counts for whom, asked by the merchant."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coupons.access import access_order
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page
from providers.creators.domain.attribution import explain_attribution

READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)


@merchant_page(*READERS, by=Scope.REDEMPTIONS)
@require_safe
def order_attribution(request: MerchantRequest, order_id: int) -> HttpResponse:
    """The link an order came by, the rule that was frozen into it, and everybody's share."""
    order = access_order(access=request.access, order_id=order_id)
    context = {
        "order": order,
        "why": explain_attribution(order=order),
        "coupon": order.coupons.order_by("id").first(),
        "may_see_task": request.access.allows((Role.OWNER, Role.MANAGER), by=Scope.DEALS),
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/tasks/attribution.html", context)
