"""The live card on paper: a QR code that opens the session, or one of its deals."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.errors import NotFound
from core.qr import qr_svg
from coupons.live.access import access_session
from coupons.live.models import LiveSession, LiveSessionDeal
from coupons.live.views.addresses import card_url
from coupons.live.views.sessions import READERS
from identity.enums import Scope
from merchants.decorators import MerchantRequest, merchant_page


@merchant_page(*READERS, by=Scope.DEALS)
@require_safe
def live_card(request: MerchantRequest, session_id: int) -> HttpResponse:
    """The card of the whole session."""
    session = access_session(access=request.access, session_id=session_id)
    return _render(request, session, None)


@merchant_page(*READERS, by=Scope.DEALS)
@require_safe
def live_deal_card(request: MerchantRequest, session_id: int, live_deal_id: int) -> HttpResponse:
    """The card of one deal."""
    session = access_session(access=request.access, session_id=session_id)
    live_deal = session.deals.select_related("deal").filter(pk=live_deal_id).first()
    if live_deal is None:
        raise NotFound
    return _render(request, session, live_deal)


def _render(
    request: MerchantRequest, session: LiveSession, live_deal: LiveSessionDeal | None
) -> HttpResponse:
    url = card_url(
        request, session, slug=request.merchant.slug, deal_id=live_deal.deal_id if live_deal else None
    )
    context = {
        "session": session,
        "live_deal": live_deal,
        "url": url,
        "qr": qr_svg(url, error="q"),  # a fifth of it may be dirty
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/live/card.html", context)
