"""The merchant's first page: what waits, today's numbers, fourteen days, stores, last redemptions."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.errors import NotFound
from core.templatetags.tongdao import SYMBOLS
from coupons.insights.domain import figures
from coupons.insights.domain.days import Stores
from coupons.settlement.domain.outstanding import sum_next_payout
from identity.enums import Role, Scope
from merchants.access import MerchantAccess, access_store, access_stores
from merchants.decorators import MerchantRequest, merchant_page
from merchants.models import Store

logger = logging.getLogger(__name__)

MOST_STORES_TO_PICK = 200
METRICS = ("redeemed", "sold")


@dataclass(frozen=True)
class Block:
    """One part of the page; a part that could not be computed says so and the others stand."""

    value: Any = None
    failed: bool = False


@merchant_page(Role.OWNER, Role.MANAGER, Role.FINANCE, by=Scope.REDEMPTIONS)
@require_safe
def merchant_home(request: MerchantRequest) -> HttpResponse:
    """Figures of the stores the reader may see; ?store= narrows them, ?metric= chooses the line's figure."""
    now = timezone.now()
    store = _chosen_store(request.access, request.GET.get("store", ""))
    stores = (store.pk,) if store else request.access.store_ids
    metric = request.GET.get("metric", "")
    whole_shop = request.access.role is not None or request.access.store_ids is None
    metric = metric if metric in METRICS and whole_shop else METRICS[0]
    blocks = _blocks(request.access, stores, metric=metric, at=now)
    pick = list(access_stores(access=request.access)[: MOST_STORES_TO_PICK + 1])
    context = {
        "blocks": blocks,
        "at": now,
        "week_ago": timezone.localtime(now) - timedelta(days=7),
        "store": store,
        "stores": pick[:MOST_STORES_TO_PICK],
        "stores_left_out": len(pick) > MOST_STORES_TO_PICK,
        "bound": stores is not None,
        "metric": metric,
        "chart": None if blocks["trend"].failed else _chart(request, blocks["trend"].value),
        "currency": request.merchant.currency,
        "may": {
            one.value: _may(request.access, one) for one in (Scope.SETTLEMENT, Scope.DEALS, Scope.REFUNDS)
        },
        "is_own": request.access.role is not None,
        "whole_shop": whole_shop,  # who serves some stores is told nothing of the whole shop
    }
    template = "merchant/home/figures.html" if request.htmx else "merchant/home/home.html"
    return render(request, template, context)


def _chosen_store(access: MerchantAccess, text: str) -> Store | None:
    """The store of ?store=; another merchant's, or one the reader is not bound to, is NotFound."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NotFound
    return access_store(access=access, store_id=int(text))


def _blocks(access: MerchantAccess, stores: Stores, *, metric: str, at: datetime) -> dict[str, Block]:
    merchant = access.merchant
    days = (
        partial(figures.sum_sold_days, merchant=merchant, at=at)
        if metric == "sold"
        else partial(figures.sum_redeemed_days, merchant=merchant, stores=stores, at=at)
    )
    return {
        "steps": _compute(partial(figures.check_first_steps, merchant=merchant)),
        "todos": _compute(partial(figures.count_todos, merchant=merchant, at=at)),
        "today": _compute(partial(figures.sum_today, merchant=merchant, stores=stores, at=at)),
        "payout": _compute(
            partial(sum_next_payout, merchant=merchant) if _may(access, Scope.SETTLEMENT) else lambda: None
        ),
        "trend": _compute(days),
        "ranking": _compute(partial(figures.rank_stores, merchant=merchant, stores=stores, at=at)),
        "last": _compute(partial(figures.list_last_redemptions, merchant=merchant, stores=stores)),
    }


def _may(access: MerchantAccess, scope: Scope) -> bool:
    """Every post that opens the page may know it all; who serves the shop, what it granted."""
    return access.role is not None or scope in access.scopes


def _compute(figure: Callable[[], Any]) -> Block:
    try:
        return Block(value=figure())
    except Exception:  # whatever it is, the other blocks are still true
        logger.exception("a block of the dashboard failed")
        return Block(failed=True)


def _chart(request: MerchantRequest, days: list[figures.Day]) -> dict[str, Any]:
    """What static/js/charts.js draws: this period, and the one before it dashed."""
    currency = request.merchant.currency
    return {
        "categories": [f"{day.date:%m-%d}" for day in days],
        "unit": "fen",
        "symbol": SYMBOLS.get(currency, f"{currency} "),
        "series": [
            {"name": _("Last 14 days"), "data": [day.fen for day in days]},
            {"name": _("The 14 days before"), "data": [day.fen_before for day in days], "dashed": True},
        ],
    }
