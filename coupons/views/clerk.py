"""The clerk's page: check a code, redeem it, undo it. Works as plain forms; with JavaScript the answers come as parts.

Redeeming is a hot path: session and counter are asked in one prepared statement, then one domain call; the list
of today is fetched by a request of its own. docs/performance/redeem.md says what each part costs.
"""

import re
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, Invalid, NotFound
from core.refusals import describe
from coupons.access import access_redemptions
from coupons.domain.codes import normalise_code
from coupons.domain.deal_terms import describe_terms
from coupons.domain.redemption import check_coupon, redeem_coupons
from coupons.domain.reversal import reverse_redemptions
from coupons.views.counter import (
    Counter,
    asks_for_part,
    counter_page,
    enter,
    find_counter,
    find_device,
    remember_store,
    stand_at,
)
from coupons.views.today import list_today
from merchants.access import (
    COUNTER_ROLES,
    MerchantAccess,
    access_merchants,
    access_store,
    access_stores,
)
from merchants.enums import StoreState
from merchants.models import Store

CODE_DIGITS = 15
LONGEST_INPUT = 100
ATTEMPT_KEY = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
MOST_STORES = 50  # shown at once when choosing; the search finds the others
MOST_BUTTONS = 9  # counts up to here are buttons (and keys 1 to 9), beyond it a number is typed


@never_cache
@require_safe
@login_required
def home(request: Any) -> HttpResponse:
    """The counter of this device; straight in for who works in one store, else the choice of a store."""
    counter = find_counter(request)
    if counter is None or counter.store.state != StoreState.OPEN:
        counter = _only_counter(request)
        if counter is None:
            return redirect("clerk_store")
    response = enter(request, counter, _page)
    remember_store(response, access=counter.access, store=counter.store, device=counter.device)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choose_store(request: Any) -> HttpResponse:
    """Choose merchant and store for this device; who works nowhere is told who can change that."""
    accesses = access_merchants(user=request.user, roles=COUNTER_ROLES)
    if not accesses:
        return render(request, "clerk/nobody.html", status=403)
    slug = request.POST.get("merchant") or request.GET.get("merchant") or ""
    access = next((one for one in accesses if one.merchant.slug == slug), None)
    if access is None and not slug and len(accesses) == 1:
        access = accesses[0]
    error = ""
    if request.method == "POST":
        try:
            access, store = _chosen_store(request, access)
        except NotFound as refusal:
            error = describe(refusal).title
        else:
            response = redirect("clerk")
            remember_store(response, access=access, store=store, device=find_device(request))
            return response
    context = {"accesses": accesses, "chosen": access, "error": error, **_stores_to_choose(request, access)}
    template = "clerk/store_list.html" if request.htmx else "clerk/choose_store.html"
    return render(request, template, context, status=404 if error else 200)


@require_POST
@counter_page
def check(request: Any, counter: Counter) -> HttpResponse:
    """Look at a code; the card that answers carries the key of the attempt that may follow."""
    code = normalise_code(request.POST.get("code", "")[:LONGEST_INPUT])
    if len(code) != CODE_DIGITS:
        return _answer(
            request, counter, "clerk/answer_short.html", {"digits": len(code), "code": code}, status=422
        )
    try:
        found = check_coupon(
            merchant=counter.access.merchant,
            store=counter.store,
            code=code,
            clerk=request.user,
            device=counter.device,
        )
    except DomainError as refusal:
        return _refused(request, counter, refusal, code)
    return _answer(
        request,
        counter,
        "clerk/answer_card.html",
        {
            "found": found,
            "rules": describe_terms(found.terms),
            "attempt_key": uuid.uuid4().hex,
            "counts": range(1, found.usable_count + 1) if found.usable_count <= MOST_BUTTONS else None,
            "code": code,
        },
    )


@require_POST
@counter_page
def redeem(request: Any, counter: Counter) -> HttpResponse:
    """Redeem what was checked, exactly once per attempt_key: sent again, it gets the first answer."""
    code = normalise_code(request.POST.get("code", "")[:LONGEST_INPUT])
    attempt_key = request.POST.get("attempt_key", "")
    count = request.POST.get("count", "1")
    try:
        if not ATTEMPT_KEY.fullmatch(attempt_key):
            raise Invalid(field="attempt_key")
        if not count.isascii() or not count.isdigit() or len(count) > 3:
            raise Invalid(field="count")
        receipt = redeem_coupons(
            merchant=counter.access.merchant,
            store=counter.store,
            code=code,
            clerk=request.user,
            attempt_key=attempt_key,
            count=int(count),
            device=counter.device,
        )
    except DomainError as refusal:
        return _refused(request, counter, refusal, code)
    return _answer(
        request,
        counter,
        "clerk/answer_done.html",
        {
            "receipt": receipt,
            "headline": _("Redeemed: %(n)s") % {"n": len(receipt.redemptions)},
            "codes": list(dict.fromkeys(use.code for use in receipt.redemptions)),
        },
        plain=True,
    )


@require_POST
@counter_page
def undo(request: Any, counter: Counter) -> HttpResponse:
    """Undo one attempt's redemptions, after a question: the first press asks, `confirmed` does it."""
    ids = request.POST.getlist("redemption")
    try:
        if not ids or not all(one.isascii() and one.isdigit() and len(one) < 20 for one in ids):
            raise NotFound
        chosen = list(
            access_redemptions(access=counter.access)
            .filter(pk__in=[int(one) for one in ids])
            .select_related("coupon", "deal")
        )
        if len(chosen) != len(set(ids)):
            raise NotFound
        if "confirmed" not in request.POST:
            return _answer(request, counter, "clerk/answer_undo.html", {"chosen": chosen})
        undone = reverse_redemptions(
            merchant=counter.access.merchant,
            redemption_ids=[redemption.pk for redemption in chosen],
            by=request.user,
        )
    except DomainError as refusal:
        return _refused(request, counter, refusal, "")
    return _answer(request, counter, "clerk/answer_undone.html", {"undone": undone, "chosen": chosen})


@require_safe
@counter_page
def today(request: Any, counter: Counter) -> HttpResponse:
    """What this device did today, as a part of the page (as the whole page without JavaScript)."""
    if not request.htmx:
        return redirect("clerk")
    return render(request, "clerk/today.html", {"counter": counter, "today": list_today(counter)})


def _page(request: HttpRequest, counter: Counter) -> HttpResponse:
    return render(request, "clerk/counter.html", _whole(counter))


def _whole(counter: Counter) -> dict[str, Any]:
    return {"counter": counter, "today": list_today(counter), "digits": CODE_DIGITS}


def _answer(
    request: Any,
    counter: Counter,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    plain: bool = False,
) -> HttpResponse:
    """The answer alone for htmx, inside the whole page for a plain form.

    A `plain` template needs nothing of the request: no form, no reader.
    """
    if not asks_for_part(request):
        context = {**_whole(counter), **context, "answer": template}
        response = render(request, "clerk/counter.html", context, status=status)
    else:
        text = render_to_string(template, {"counter": counter, **context}, None if plain else request)
        response = HttpResponse(text, status=status)
    response["Counter-Answer"] = str(status)  # the page shows what bears this, whatever the status
    return response


def _refused(request: Any, counter: Counter, refusal: DomainError, code: str) -> HttpResponse:
    described = describe(refusal, zone=counter.access.merchant.tzinfo)
    seconds = refusal.facts.get("seconds") if described.code == "too_many_tries" else None
    context = {"refusal": described, "seconds": seconds, "code": code}
    return _answer(request, counter, "clerk/answer_refused.html", context, status=described.status)


def _only_counter(request: HttpRequest) -> Counter | None:
    """The counter of somebody who works for one merchant in one open store."""
    accesses = access_merchants(user=request.user, roles=COUNTER_ROLES)  # type: ignore[arg-type]
    if len(accesses) != 1:
        return None
    stores = list(access_stores(access=accesses[0], only_open=True)[:2])
    if len(stores) != 1:
        return None
    return stand_at(request, access=accesses[0], store=stores[0])


def _chosen_store(request: HttpRequest, access: MerchantAccess | None) -> tuple[MerchantAccess, Store]:
    """The posted choice. Raises NotFound unless it is an open store the user may work in."""
    store_id = request.POST.get("store", "")
    if access is None or not (store_id.isascii() and store_id.isdigit() and len(store_id) < 20):
        raise NotFound
    store = access_store(access=access, store_id=int(store_id))
    if store.state != StoreState.OPEN:
        raise NotFound
    return access, store


def _stores_to_choose(request: HttpRequest, access: MerchantAccess | None) -> dict[str, Any]:
    if access is None:
        return {}
    search = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    stores = access_stores(access=access, only_open=True)
    if search:
        stores = stores.filter(
            Q(name__icontains=search)
            | Q(number=search)
            | Q(city__icontains=search)
            | Q(address__icontains=search)
        )
    found = list(stores[: MOST_STORES + 1])
    return {
        "stores": found[:MOST_STORES],
        "more": len(found) > MOST_STORES,
        "search": search,
        "searchable": bool(search) or len(found) > 8,
        "may_add": access.role in {"owner", "manager"},
    }
