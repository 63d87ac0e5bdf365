"""The live card in the shop: before, during and after the show. Anybody may open it who has its address."""

from typing import Any

from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from core.errors import NotFound
from coupons.domain.sale import sale_state
from coupons.enums import SaleState
from coupons.live.access import access_card
from coupons.live.domain.openings import note_opening
from coupons.live.enums import LiveState
from coupons.live.models import LiveSession, LiveSessionDeal
from coupons.shop.views import shop_page


@shop_page
def shop_live(request: Any, token: str) -> HttpResponse:
    """The session with its deals: a countdown before, links to buy during, what is still on sale after."""
    session = access_card(merchant=request.merchant, token=token)
    now = timezone.now()
    if request.method == "GET":
        note_opening(session_id=session.pk)
    rows = list(
        session.deals.select_related("deal__merchant", "deal__stock")
        .annotate(free=Coalesce(Sum("pool__slots__free"), 0))
        .order_by("position", "id")  # a model's own order does not hold where rows are summed
    )
    for row in rows:
        row.sale = _sale(session, row, sale_state(deal=row.deal, at=now))  # type: ignore[attr-defined]
    context = {
        "session": session,
        "rows": rows,
        "tab": "home",
        "seconds_left": max(0, int((session.planned_from - now).total_seconds())),
        "sign_in_url": "",
        "words": {},
        "currency": request.merchant.currency,
    }
    return render(request, "shop/live.html", context)


@shop_page
def shop_live_deal(request: Any, token: str, deal_id: int) -> HttpResponse:
    """One deal's card: to the deal while the show runs, to the session before it, to the general sale after it."""
    session = access_card(merchant=request.merchant, token=token)
    row = session.deals.select_related("placement").filter(deal_id=deal_id).first()
    if row is None:
        raise NotFound
    if request.method == "GET":
        note_opening(session_id=session.pk, live_deal_id=row.pk)
    slug = request.merchant.slug
    if session.state == LiveState.PLANNED:
        return redirect("shop_live", slug=slug, token=token)
    to_deal = reverse("shop_deal", kwargs={"slug": slug, "deal_id": deal_id})
    return redirect(f"{to_deal}?from={row.placement.token}" if session.state == LiveState.LIVE else to_deal)


def _sale(session: LiveSession, row: LiveSessionDeal, sale: SaleState) -> SaleState:
    """While the show runs its own pieces count, not the general ones."""
    if session.state != LiveState.LIVE or sale not in (SaleState.ON_SALE, SaleState.SOLD_OUT):
        return sale
    return SaleState.ON_SALE if row.free else SaleState.SOLD_OUT  # type: ignore[attr-defined]
