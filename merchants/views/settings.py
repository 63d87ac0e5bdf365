"""/m/<slug>/settings/: the shop's name and trade, and how long a redemption can be undone."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page
from merchants.domain.merchants import edit_merchant
from merchants.domain.terms import get_platform_fee
from merchants.enums import Category
from merchants.forms import MerchantForm


@merchant_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: MerchantRequest) -> HttpResponse:
    merchant = request.merchant
    initial = {
        "name": merchant.name,
        "category": merchant.category,
        "minutes_to_undo": merchant.reversal_window_seconds // 60,
    }
    form = MerchantForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        edit_merchant(
            merchant=merchant,
            name=form.cleaned_data["name"],
            category=Category(form.cleaned_data["category"]),
            reversal_window_seconds=form.cleaned_data["minutes_to_undo"] * 60,
            by=request.user,
        )
        messages.success(request, _("Saved."))
        return redirect("settings", slug=merchant.slug)
    context = {"form": form, "fee": get_platform_fee(merchant=merchant)}
    return render(request, "merchant/settings.html", context, status=422 if form.errors else 200)
