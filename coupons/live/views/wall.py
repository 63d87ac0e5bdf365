"""The wall: a session's figures for a big screen, asked for every five seconds."""

import hashlib
from typing import Any

from django.http import HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from core.templatetags.tongdao import SYMBOLS
from coupons.live.access import access_session
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession
from coupons.live.views.meanings import MEANINGS, curve, funnel
from coupons.live.views.sessions import READERS
from coupons.live.views.shared_figures import SharedFigures, read_figures
from identity.enums import Scope
from merchants.decorators import MerchantRequest, merchant_page

PRODUCTS_SHOWN = 7
SOURCES_SHOWN = 5


@merchant_page(*READERS, by=Scope.DEALS)
@require_safe
def live_wall(request: MerchantRequest, session_id: int) -> HttpResponse:
    """The page; its script asks for the figures."""
    session = access_session(access=request.access, session_id=session_id)
    shared = read_figures(session)
    context = {"shared": shared, "at": timezone.now(), **_context(request, session, shared)}
    return render(request, "merchant/live/wall.html", context)


@merchant_page(*READERS, by=Scope.DEALS)
@require_safe
def live_wall_figures(request: MerchantRequest, session_id: int) -> HttpResponse:
    """Only the figures; 304 where they are what the wall has (If-None-Match). `Age`: seconds since they were read."""
    session = access_session(access=request.access, session_id=session_id)
    shared = read_figures(session)
    context = _context(request, session, shared)
    body = render_to_string("merchant/live/_wall.html", context, request=request).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(body)
    response["ETag"] = tag
    response["Age"] = str(shared.age_seconds)
    response["Cache-Control"] = "private, no-cache"
    return response


def _context(request: MerchantRequest, session: LiveSession, shared: SharedFigures) -> dict[str, Any]:
    figures = shared.figures
    currency = request.merchant.currency
    total = figures.total
    is_live = session.state == LiveState.LIVE
    products = sorted(figures.products, key=lambda product: -product.sums.gmv_fen)
    return {
        "session": session,
        "figures": figures,
        "total": total,
        "gmv_whole_fen": total.gmv_fen - total.gmv_fen % 100,  # fen would only flicker
        "goal_bps": total.gmv_fen * 10_000 // session.goal_fen if session.goal_fen else None,
        "funnel": funnel(figures),
        "sources": figures.sources[:SOURCES_SHOWN],
        "products": products[:PRODUCTS_SHOWN],
        "more_products": max(0, len(products) - PRODUCTS_SHOWN),
        "low": figures.low if is_live else [],
        "off_sale": [product for product in products if is_live and not product.is_on_sale],
        "meanings": MEANINGS,
        "currency": currency,
        "curve": curve(
            figures,
            symbol=SYMBOLS.get(currency, f"{currency} "),
            zone=request.merchant.tzinfo,
            name=pgettext("live session", "Sold"),
        ),
    }
