"""Why a line of a statement says what it says."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coupons.settlement.access import access_line
from coupons.settlement.domain.reasons import explain_line
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page


@merchant_page(Role.OWNER, Role.FINANCE, Role.MANAGER, by=Scope.SETTLEMENT)
@require_safe
def line_why(request: MerchantRequest, line_id: int) -> HttpResponse:
    """The line's use, its order and payment, each party's part with its rule and rounding, and how it was booked."""
    line = access_line(access=request.access, line_id=line_id)
    context = {"reasons": explain_line(line=line), "line": line, "currency": request.merchant.currency}
    return render(request, "merchant/statements/line_why.html", context)
