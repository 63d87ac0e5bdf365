"""What the question before closing a store says about coupons: shown inside the stores page, which knows none."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from coupons.domain.store_closing import count_coupons_of_store
from identity.enums import Role
from merchants.access import access_store
from merchants.decorators import MerchantRequest, merchant_page


@merchant_page(Role.OWNER, Role.MANAGER)
@require_safe
def store_coupons(request: MerchantRequest, store_id: int) -> HttpResponse:
    """A fragment on htmx, a page of its own without JavaScript."""
    store = access_store(access=request.access, store_id=store_id)
    counts = count_coupons_of_store(store=store, at=timezone.now())
    template = "merchant/stores/coupons.html" if request.htmx else "merchant/stores/coupons_page.html"
    return render(request, template, {"store": store, "counts": counts})
