"""The list of deals."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from core.errors import DomainError
from core.refusals import describe
from coupons.access import access_deal, access_deals
from coupons.domain.deals import set_stock
from coupons.enums import DealKind, DealState
from coupons.forms.deals import DealFilterForm, StockForm
from coupons.models import Deal, DealReview, DealStock
from identity.enums import Role, Scope
from merchants.access import access_stores
from merchants.decorators import MerchantRequest, merchant_page

PAGE_SIZE = 20
STATUS_KINDS = {
    DealState.ONLINE: "ok",
    DealState.IN_REVIEW: "info",
    DealState.REJECTED: "bad",
    DealState.PAUSED: "warn",
    DealState.DRAFT: "idle",
    DealState.ENDED: "idle",
}
TAB_ORDER = (
    DealState.ONLINE,
    DealState.IN_REVIEW,
    DealState.REJECTED,
    DealState.DRAFT,
    DealState.PAUSED,
    DealState.ENDED,
)


@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def show_deals(request: MerchantRequest) -> HttpResponse:
    form = DealFilterForm(request.GET, access=request.access)
    filters = form.cleaned_data if form.is_valid() else {}
    chosen = _filter(access_deals(access=request.access), filters)
    counts = dict(chosen.order_by().values_list("state").annotate(Count("pk")))
    state = str(filters.get("state") or "")
    state = state if state in DealState.values else ""
    if state:
        chosen = chosen.filter(state=state)
    reason = (
        DealReview.objects.filter(deal_id=OuterRef("pk"), approved=False).order_by("-id").values("reason")
    )
    page = Paginator(
        chosen.select_related("stock").annotate(reason=Subquery(reason[:1])), PAGE_SIZE
    ).get_page(request.GET.get("page"))
    is_filtered = any(filters.get(name) for name in ("q", "kind", "store"))
    context = {
        "page": page,
        "form": form,
        "tabs": _tabs(request, counts, state),
        "state": state,
        "is_filtered": is_filtered,
        "is_empty": not is_filtered and not counts,
        "has_store": access_stores(access=request.access, only_open=True).exists(),
        "kinds": DealKind,
        "status_kinds": STATUS_KINDS,
        "list_url": reverse("coupons:deals", kwargs={"slug": request.merchant.slug}),
    }
    partial = request.htmx and not request.htmx.history_restore_request
    return render(request, "merchant/deals/_list.html" if partial else "merchant/deals/list.html", context)


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def change_stock(request: MerchantRequest, deal_id: int) -> HttpResponse:
    """The number in the list's own row; answers with the cell for htmx, else goes back to the list."""
    deal = access_deal(access=request.access, deal_id=deal_id)
    form = StockForm(request.POST)
    error: Any = ""
    if not form.is_valid():
        error = next(iter(form.errors["total"]))
    else:
        try:
            set_stock(deal=deal, total=form.cleaned_data["total"], by=request.user)
        except DomainError as refused:
            error = describe(refused).title
    if not request.htmx:
        (messages.error if error else messages.success)(request, error or _("Stock saved."))
        return redirect("coupons:deals", slug=request.merchant.slug)
    deal.stock = DealStock.objects.get(deal_id=deal.pk)
    response = render(
        request,
        "merchant/deals/_stock.html",
        {"deal": deal, "error": error, "typed": request.POST.get("total", "") if error else None},
        status=422 if error else 200,
    )
    return (
        response
        if error
        else trigger_client_event(response, "toast", {"text": _("Stock saved."), "kind": "ok"})
    )


def _filter(deals: QuerySet[Deal], filters: dict[str, Any]) -> QuerySet[Deal]:
    if filters.get("q"):
        deals = deals.filter(title__icontains=filters["q"])
    if filters.get("kind"):
        deals = deals.filter(kind=filters["kind"])
    if filters.get("store"):
        store = filters["store"]
        # By key, not by join: a deal with many stores would be listed and counted many times.
        of_store = Deal.stores.through.objects.filter(store_id=store.pk).values("deal_id")
        deals = deals.filter(Q(all_stores=True) | Q(pk__in=of_store))
    return deals


def _tabs(request: MerchantRequest, counts: dict[str, int], current: str) -> list[dict[str, Any]]:
    query = request.GET.copy()
    for name in ("page", "state"):
        query.pop(name, None)
    tabs = []
    for state in ("", *TAB_ORDER):
        if state:
            query["state"] = state
        tabs.append(
            {
                "label": DealState(state).label if state else _("All"),
                "url": f"?{query.urlencode()}",
                "current": current == state,
                "count": counts.get(state, 0) if state else sum(counts.values()),
            }
        )
    return tabs
