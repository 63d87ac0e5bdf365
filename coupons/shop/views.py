"""The H5 shop, for phones: what anybody may see is rendered here; what is a customer's own the page asks the API for.

The pages know no session: the customer's token lives in the browser (static/js/shop/), as in a mini-program.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_scopes import scope

from core.errors import NotFound
from coupons.access import access_shop, access_shop_deal, access_shop_deals, access_shop_stores
from coupons.api.shop import describe_deal
from coupons.domain.sale import most_per_order, sale_state

DEALS_SHOWN = 60
STORES_SHOWN = 50


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
    deals = list(access_shop_deals(merchant=request.merchant)[:DEALS_SHOWN])
    for deal in deals:
        deal.sale = sale_state(deal=deal, at=now)  # type: ignore[attr-defined]
    stores = list(access_shop_stores(merchant=request.merchant)[: STORES_SHOWN + 1])
    return render(
        request,
        "shop/home.html",
        {
            "deals": deals,
            "stores": stores[:STORES_SHOWN],
            "more_stores": len(stores) > STORES_SHOWN,
            "tab": "home",
        },
    )


@shop_page
def deal(request: Any, deal_id: int) -> HttpResponse:
    """One deal with content, rules, stores and the button to buy."""
    found = access_shop_deal(deal_id=deal_id)
    if found.merchant_id != request.merchant.pk:
        raise NotFound
    return render(
        request,
        "shop/deal.html",
        {
            "deal": describe_deal(found),
            "sale": sale_state(deal=found, at=found.now),
            "most": most_per_order(deal=found),
            "tab": "home",
        },
    )


@shop_page
def orders(request: HttpRequest) -> HttpResponse:
    return render(request, "shop/orders.html", {"tab": "orders"})


@shop_page
def order(request: HttpRequest, order_id: int) -> HttpResponse:
    return render(request, "shop/order.html", {"tab": "orders", "order_id": order_id})


@shop_page
def coupons(request: HttpRequest) -> HttpResponse:
    return render(request, "shop/coupons.html", {"tab": "coupons"})


@shop_page
def coupon(request: HttpRequest, coupon_id: int) -> HttpResponse:
    return render(request, "shop/coupon.html", {"tab": "coupons", "coupon_id": coupon_id})
