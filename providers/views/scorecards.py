"""/providers/: how each service provider is doing, by one rule for all; open to everybody who chooses one."""

from typing import Any

from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from providers.domain.scorecards import (
    DAYS,
    LEAST_ASKED,
    LEAST_SOLD,
    LEAST_STATEMENTS,
    Scorecard,
    get_scorecards,
)
from providers.models import Provider

PER_PAGE = 30
KEPT_SECONDS = 600  # strangers may ask often; the figures move slowly


@require_safe
def provider_list(request: Any) -> HttpResponse:
    page = Paginator(Provider.objects.order_by("name", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    cards = _cards(list(page))
    context = {"page": page, "rows": [(provider, cards[provider.pk]) for provider in page], "days": DAYS}
    return render(request, "station/providers.html", context)


@require_safe
def provider_scorecard(request: Any, provider_id: int) -> HttpResponse:
    provider = Provider.objects.filter(pk=provider_id).first()
    if provider is None:
        raise Http404
    context = {
        "provider": provider,
        "card": _cards([provider])[provider.pk],
        "days": DAYS,
        "least_sold": LEAST_SOLD,
        "least_asked": LEAST_ASKED,
        "least_statements": LEAST_STATEMENTS,
    }
    return render(request, "station/scorecard.html", context)


def _cards(providers: list[Provider]) -> dict[int, Scorecard]:
    """As get_scorecards, at most ten minutes old."""
    keys = {f"scorecard:{provider.pk}": provider for provider in providers}
    known = cache.get_many(keys)
    missing = [provider for key, provider in keys.items() if key not in known]
    if missing:
        fresh = {f"scorecard:{pk}": card for pk, card in get_scorecards(providers=missing).items()}
        cache.set_many(fresh, KEPT_SECONDS)
        known |= fresh
    return {provider.pk: known[key] for key, provider in keys.items()}
