"""/p/: the provider somebody works for; its clients with what waits at all of them; the way into a client's shop."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from identity.enums import Role, Scope
from providers.access import access_clients, access_engagements, access_providers
from providers.decorators import ProviderRequest, provider_page
from providers.domain.clients import Client, look_after
from providers.domain.waiting import ALERTS, TODOS, Kind, Waiting
from providers.enums import EngagementState
from providers.forms import ClientFilterForm

PER_PAGE = 50
# Where a client's shop is entered: the first of these pages the scopes open.
DOORS = (
    (Scope.REDEMPTIONS, "merchant_home"),
    (Scope.DEALS, "coupons:deals"),
    (Scope.REFUNDS, "refunds"),
    (Scope.SETTLEMENT, "statements"),
    (Scope.STORES, "stores"),
)
# Where each thing that waits is done: page and query.
PLACES: dict[Kind, tuple[str, str]] = {
    Kind.REFUNDS: ("refunds", ""),
    Kind.FAILED_REFUNDS: ("refunds", "?state=running"),
    Kind.STATEMENTS: ("statements", "?state=sealed"),
    Kind.REJECTED_DEALS: ("coupons:deals", "?state=rejected"),
    Kind.NOTHING_ON_SALE: ("coupons:deals", ""),
    Kind.SOLD_OUT: ("coupons:deals", "?state=online"),
    Kind.SALE_ENDS: ("coupons:deals", "?state=online"),
    Kind.EXPIRING: ("coupons", ""),
    Kind.CLAIMS: ("creator_tasks", ""),
    Kind.HANDED_IN: ("creator_tasks", ""),
}


@login_required
@require_safe
def provider_home(request: Any) -> HttpResponse:
    """The one provider the reader works for, or the choice; 404 where there is none."""
    accesses = access_providers(user=request.user)
    if not accesses:
        raise Http404
    if len(accesses) == 1:
        return redirect("provider_clients", provider_id=accesses[0].provider.pk)
    return render(request, "provider/choose.html", {"accesses": accesses})


@provider_page()
@require_safe
def provider_clients(request: ProviderRequest) -> HttpResponse:
    """Every client in force; ?q= finds one by name, ?show= keeps those with something to do or an alert."""
    access = request.provider_access
    role = Role(access.role)
    clients = look_after(engagements=list(access_clients(access=access)), role=role, at=timezone.now())
    form = ClientFilterForm(request.GET)
    shown = form.choose(clients)
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "is_filtered": len(shown) < len(clients),
        "page": page,
        "rows": [_row(client) for client in page],
        "sums": _sum_up(clients),
        "clients_count": len(clients),
        "knows_sales": any(client.sold_fen is not None for client in clients),
        "post": role.label,
        "offers": access_engagements(access=access).filter(state=EngagementState.PROPOSED).count(),
    }
    template = "provider/_clients.html" if _is_htmx(request) else "provider/clients.html"
    return render(request, template, context)


def enter_url(client: Client) -> str:
    """The first page of the client's shop that is open to the reader; "" where none is."""
    for scope, name in DOORS:
        if scope in client.scopes:
            return reverse(name, kwargs={"slug": client.engagement.merchant.slug})
    return ""


def _row(client: Client) -> dict[str, Any]:
    return {
        "client": client,
        "engagement": client.engagement,
        "merchant": client.engagement.merchant,
        "todos": [(waiting, _place(client, waiting)) for waiting in client.todos],
        "alerts": [(waiting, _place(client, waiting)) for waiting in client.alerts],
        "enter": enter_url(client),
    }


def _place(client: Client, waiting: Waiting) -> str:
    if waiting.kind == Kind.OFFERS:
        return reverse(
            "provider_engagement",
            kwargs={"provider_id": client.engagement.provider_id, "engagement_id": client.engagement.pk},
        )
    name, query = PLACES[waiting.kind]
    try:
        return reverse(name, kwargs={"slug": client.engagement.merchant.slug}) + query
    except NoReverseMatch:
        return ""


def _sum_up(clients: list[Client]) -> list[dict[str, Any]]:
    """Each kind over all clients: how much, and at how many."""
    sums = []
    for kind in (*TODOS, *ALERTS):
        found = [one for client in clients for one in (*client.todos, *client.alerts) if one.kind == kind]
        if found:
            sums.append(
                {
                    "kind": kind,
                    "count": sum(one.count for one in found),
                    "clients": len(found),
                    "is_alert": kind in ALERTS,
                }
            )
    return sums


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
