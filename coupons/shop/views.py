"""The H5 shop, for phones: what anybody may see is rendered here; what is a customer's own the page asks the API for.

The pages know no session: the customer's token lives in the browser (static/js/shop/), as in a mini-program.
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_scopes import scope

from core.errors import NotFound
from core.refusals import describe
from coupons.access import access_shop, access_shop_deal, access_shop_deals, access_shop_stores
from coupons.admission.gate import give_up_place, look_at_place
from coupons.admission.tickets import read_ticket
from coupons.api.waiting import describe_place
from coupons.domain.deal_view import STORES_SHOWN, view_deal
from coupons.domain.orders import OverPersonLimit, SoldOut
from coupons.domain.placements import find_placement
from coupons.domain.sale import most_per_order, sale_state
from coupons.domain.stock import count_pool
from coupons.enums import CouponState, OrderState, RefundCause, RefundState
from identity.customer_sign_in.port import sandbox_is_open

DEALS_IN_SHOP = 60
STORES_IN_SHOP = 50
SHOWN_STATES = ("", CouponState.ISSUED, CouponState.REDEEMED, CouponState.EXPIRED, CouponState.REFUNDED)


def shop_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open a page of /h5/<slug>/ to anybody: request.merchant, its scope and its time zone; no such shop is 404."""

    @require_safe
    @wraps(view)
    def inside(request: Any, slug: str, **kwargs: Any) -> HttpResponse:
        try:
            request.merchant = access_shop(slug=slug)
            with scope(merchant=request.merchant.pk), timezone.override(request.merchant.tzinfo):
                return view(request, **kwargs)
        except NotFound as error:
            raise Http404 from error

    return inside


@shop_page
def home(request: Any) -> HttpResponse:
    """Deals on sale and stores."""
    now = timezone.now()
    deals = list(access_shop_deals(merchant=request.merchant)[:DEALS_IN_SHOP])
    for one in deals:
        one.sale = sale_state(deal=one, at=now)  # type: ignore[attr-defined]
    stores = list(access_shop_stores(merchant=request.merchant)[: STORES_IN_SHOP + 1])
    return _show(
        request,
        "shop/home.html",
        tab="home",
        deals=deals,
        stores=stores[:STORES_IN_SHOP],
        more_stores=len(stores) > STORES_IN_SHOP,
    )


@shop_page
def deal(request: Any, deal_id: int) -> HttpResponse:
    """One deal with content, rules, stores and the button to buy."""
    found = access_shop_deal(deal_id=deal_id)
    if found.merchant_id != request.merchant.pk:
        raise NotFound
    placement = find_placement(merchant=request.merchant, token=request.GET.get("from", ""))
    if placement and placement.deal_id == found.pk and placement.pool and not placement.pool.closed_at:
        # Who came by this link is offered the pieces set aside for it.
        found.stock.free = count_pool(pool=placement.pool).free
    stores = access_shop_stores(merchant=request.merchant)
    if not found.all_stores:
        stores = stores.filter(deals=found)
    shown = view_deal(
        deal=found,
        currency=request.merchant.currency,
        stores=list(stores[:STORES_SHOWN]),
        store_count=stores.count(),
        left=found.stock.left,
    )
    return _show(
        request,
        "shop/deal.html",
        tab="home",
        deal=shown,
        sale=sale_state(deal=found, at=found.now),  # type: ignore[attr-defined]
        most=most_per_order(deal=found),
    )


@shop_page
def orders(request: HttpRequest) -> HttpResponse:
    return _show(request, "shop/orders.html", tab="orders")


@shop_page
def order(request: HttpRequest, order_id: int) -> HttpResponse:
    return _show(request, "shop/order.html", tab="orders", order_id=order_id)


@shop_page
def coupons(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    return _show(
        request,
        "shop/coupons.html",
        tab="coupons",
        state=state if state in SHOWN_STATES else "",
        states=[(value, CouponState(value).label if value else _("All")) for value in SHOWN_STATES],
    )


@shop_page
def coupon(request: HttpRequest, coupon_id: int) -> HttpResponse:
    return _show(
        request,
        "shop/coupon.html",
        tab="coupons",
        coupon_id=coupon_id,
        refund_causes=RefundCause.choices,
    )


@shop_page
@never_cache
def waiting(request: Any, ticket: str) -> HttpResponse:
    """A place in the waiting room; loading the page again keeps it."""
    known = read_ticket(ticket)
    found = access_shop_deal(deal_id=known.deal_id)
    if found.merchant_id != request.merchant.pk:
        raise NotFound
    refused = None
    try:
        place = describe_place(known, look_at_place(known))
    except (SoldOut, OverPersonLimit) as error:
        refused = describe(error)
        place = {"state": "refused", "ticket": known.sign()}
    waited = max(0, round(timezone.now().timestamp() - known.joined / 1_000_000))
    seconds = place.get("seconds") or 0
    return _show(
        request,
        "shop/waiting.html",
        tab="home",
        deal=found,
        place=place,
        refused=refused,
        waited=waited,
        progress=round(100 * waited / max(1, waited + seconds)),
        about=_about(seconds),
    )


@require_POST
def leave_waiting(request: HttpRequest, slug: str, ticket: str) -> HttpResponse:
    """Give up the place and go back to the deal."""
    try:
        known = read_ticket(ticket)
    except NotFound as error:
        raise Http404 from error
    give_up_place(known)
    return redirect("shop_deal", slug, known.deal_id)


def _about(seconds: int) -> str:
    """The estimate in words, rounded up as the page's script does."""
    if seconds > 90:
        return _("About {count} minutes").format(count=math.ceil(seconds / 60))
    return _("About {count} seconds").format(count=math.ceil(seconds / 5) * 5)


def _show(request: Any, template: str, *, tab: str, **context: Any) -> HttpResponse:
    sign_in_url = reverse("sandbox_sign_in") if sandbox_is_open() else ""
    return render(
        request,
        template,
        {**context, "tab": tab, "sign_in_url": sign_in_url, "words": _words(request.merchant.currency)},
    )


def _words(currency: str) -> dict[str, Any]:
    """What the pages' scripts say, in the reader's language."""
    return {
        "currency": currency,
        "states": {**dict(OrderState.choices), **dict(CouponState.choices)},
        "refund_states": dict(RefundState.choices),
        "uses": _("{left} of {total} uses left"),
        "undo_until": _("Used by mistake? The clerk can undo it until {time}."),
        "answer_until": _("The shop answers until {time}; if it does not, it is agreed to."),
        "paid_back_to_you": _("It goes back the way you paid; that can take some days."),
        "shop_said": _("The shop says: {words}"),
        "signed_in_as": _("Signed in as {name}."),
        "open_in_app": _("Open this shop in its mini-program to sign in."),
        "about_minutes": _("About {count} minutes"),
        "about_seconds": _("About {count} seconds"),
        "retry": _("Try again"),
        "offline": _("The shop cannot be reached."),
        "offline_next": _("Check the network; nothing was lost, and nothing is done twice."),
        "broken": _("Something went wrong on our side."),
        "broken_next": _("Please try again in a moment."),
    }
