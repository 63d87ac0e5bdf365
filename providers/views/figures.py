"""/p/<provider>/figures/: products, sell-through and sales over all clients and creators."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.templatetags.tongdao import SYMBOLS
from coupons.enums import DealState
from identity.enums import Role
from providers.access import access_clients
from providers.decorators import ProviderRequest, provider_page
from providers.domain.figures import Trade, sum_up_trade

METRICS = ("sold", "redeemed")


@provider_page(Role.OWNER, Role.MANAGER)
@require_safe
def provider_figures(request: ProviderRequest) -> HttpResponse:
    """?metric= chooses the line's figure, ?client= one engagement of the list."""
    engagements = list(access_clients(access=request.provider_access))
    chosen = request.GET.get("client", "")
    client = next((one for one in engagements if str(one.pk) == chosen), None)
    now = timezone.now()
    trade = sum_up_trade(
        engagements=[client] if client else engagements, role=Role(request.provider_access.role), at=now
    )
    metric = request.GET.get("metric", "")
    metric = metric if metric in METRICS else METRICS[0]
    days = trade.sold_days if metric == "sold" else trade.redeemed_days
    merchants = {one.merchant_id: one.merchant for one in engagements}
    context = {
        "trade": trade,
        "at": now,
        "metric": metric,
        "engagements": engagements,
        "client": client,
        "days": days,
        "deals": [(one, merchants[one.merchant_id], DealState(one.state).label) for one in trade.deals],
        "chart": _chart(trade, days),
    }
    return render(request, "provider/figures.html", context)


def _chart(trade: Trade, days: list[Any]) -> dict[str, Any]:
    """What static/js/charts.js draws: this period, and the one before it dashed."""
    return {
        "categories": [f"{day.date:%m-%d}" for day in days],
        "unit": "fen",
        "symbol": SYMBOLS.get(trade.currency, f"{trade.currency} "),
        "series": [
            {"name": _("Last 14 days"), "data": [day.fen for day in days]},
            {"name": _("The 14 days before"), "data": [day.fen_before for day in days], "dashed": True},
        ],
    }
