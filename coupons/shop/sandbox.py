"""The sandbox provider's cashier page: another company's page, on the other side of the port."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.errors import DomainError
from coupons.payment_providers.sandbox import fail_charge, get_charge, pay_charge

LATE_SECONDS = 16 * 60  # a minute after an unpaid order closes
DELAY_SECONDS = 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, reference: str) -> HttpResponse:
    """Look at a charge and press one of the buttons; the notification comes to us over HTTP, as from a real company."""
    if settings.PAYMENT_PROVIDER != "sandbox" and not settings.DEBUG:
        raise Http404
    try:
        charge = get_charge(reference=reference)
        if request.method == "POST":
            act = ACTIONS.get(request.POST.get("action", ""))
            if act is None:
                return render(request, "sandbox/pay.html", {"charge": charge, "unknown": True}, status=400)
            act(reference)
            return HttpResponseRedirect(charge.return_url or request.get_full_path())
    except DomainError as error:
        raise Http404 from error
    back = charge.return_url
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = ""
    return render(request, "sandbox/pay.html", {"charge": charge, "back": back})


ACTIONS = {
    "pay": lambda reference: pay_charge(reference=reference),
    "fail": lambda reference: fail_charge(reference=reference),
    "slow": lambda reference: pay_charge(reference=reference, delay_seconds=DELAY_SECONDS),
    "late": lambda reference: pay_charge(reference=reference, delay_seconds=LATE_SECONDS),
    "twice": lambda reference: pay_charge(reference=reference, times=2),
    "disorder": lambda reference: pay_charge(reference=reference, times=2, fail_first=True),
}
