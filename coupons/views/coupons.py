"""Coupons and their orders: one search box, two filters, one coupon with its story."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from core.newest import PARAMETER, read_newest
from core.refusals import describe
from coupons.access import access_coupon, access_coupons
from coupons.domain.codes import normalise_code
from coupons.domain.deal_terms import describe_terms
from coupons.domain.refunds import request_refund
from coupons.enums import CouponState
from coupons.forms.redemptions import CouponSearch
from coupons.models import Coupon
from coupons.views.timeline import tell_story
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page

READERS = (Role.OWNER, Role.MANAGER, Role.FINANCE)
REFUNDERS = (Role.OWNER, Role.MANAGER)
ROWS_PER_PAGE = 50
CODE_DIGITS = 15
TAIL_DIGITS = 4
STATUS = {
    CouponState.ISSUED: "info",
    CouponState.REDEEMED: "ok",
    CouponState.REFUND_LOCKED: "warn",
    CouponState.REFUNDED: "idle",
    CouponState.EXPIRED: "idle",
    CouponState.VOIDED: "bad",
}


@merchant_page(*READERS, by=Scope.REDEMPTIONS)
@require_safe
def coupons(request: MerchantRequest) -> HttpResponse:
    """Newest first. ?q= is a whole code, an order number, or the last four digits of a phone."""
    form = CouponSearch(request.GET, access=request.access)
    filters = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    found = _filter(access_coupons(access=request.access), filters, sees_phones=request.access.sees_phones)
    if not form.is_valid():
        found = found.none()
    page = read_newest(
        found.select_related("deal", "customer", "order"),
        before=request.GET.get(PARAMETER),
        size=ROWS_PER_PAGE,
    )
    context = {
        "form": form,
        "page": page,
        "rows": [(coupon, STATUS[CouponState(coupon.state)]) for coupon in page],
        "filtered": bool(filters) or not form.is_valid(),
        "currency": request.merchant.currency,
    }
    template = "merchant/coupons/list.html" if request.htmx else "merchant/coupons/coupons.html"
    return render(request, template, context, status=200 if form.is_valid() else 422)


@merchant_page(*READERS, by=Scope.REDEMPTIONS)
@require_safe
def coupon_detail(request: MerchantRequest, coupon_id: int) -> HttpResponse:
    """One coupon: its order, its rules, everything that happened to it. The code is shown masked."""
    coupon = access_coupon(access=request.access, coupon_id=coupon_id)
    context = {
        "coupon": coupon,
        "order": coupon.order,
        "kind": STATUS[CouponState(coupon.state)],
        "rules": describe_terms(coupon.order.terms),
        "siblings": coupon.order.coupons.exclude(pk=coupon.pk).order_by("pk"),
        "events": tell_story(coupon, currency=request.merchant.currency),
        "currency": request.merchant.currency,
        "may_refund": request.merchant_role in REFUNDERS
        and coupon.state == CouponState.ISSUED
        and coupon.uses_left == coupon.uses_total
        and coupon.order.terms["refundable_before_use"],
    }
    return render(request, "merchant/coupons/detail.html", context)


@merchant_page(*REFUNDERS)
@require_POST
def coupon_refund(request: MerchantRequest, coupon_id: int) -> HttpResponse:
    """The office gives an unused coupon back for a customer who cannot."""
    coupon = access_coupon(access=request.access, coupon_id=coupon_id)
    try:
        request_refund(coupon=coupon, by=request.user)
    except DomainError as error:
        described = describe(error, zone=request.merchant.tzinfo)
        messages.error(request, f"{described.title} {described.next_step}")
    else:
        messages.success(request, _("The coupon is locked and its money goes back."))
    return redirect("coupon_detail", slug=request.merchant.slug, coupon_id=coupon_id)


def _filter(found: "QuerySet[Coupon]", filters: dict[str, Any], *, sees_phones: bool) -> "QuerySet[Coupon]":
    if "q" in filters:
        found = found.filter(_search(filters["q"], sees_phones=sees_phones))
    if "state" in filters:
        found = found.filter(state=filters["state"])
    deal = filters.get("deal")
    if isinstance(deal, str):
        found = found.filter(deal__title__icontains=deal)
    elif deal:
        found = found.filter(deal=deal)
    return found


def _search(text: str, *, sees_phones: bool) -> Q:
    """By what the digits can be; words find a customer's nickname. Who is not shown phones does not find by them."""
    digits = normalise_code(text)
    if len(digits) == CODE_DIGITS:
        return Q(code=digits)
    if len(digits) == TAIL_DIGITS and sees_phones:
        return Q(customer__phone_tail=digits)
    if digits and len(digits) < CODE_DIGITS + TAIL_DIGITS + 1:
        return Q(order_id=int(digits))
    return Q(customer__nickname__icontains=text)
