"""/p/<provider>/engagements/: what was offered to and agreed with shops, as the provider sees it."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, NotFound
from coupons.access import access_shop, access_shop_stores
from identity.enums import Role, Scope
from merchants.models import Merchant
from providers.access import access_engagement, access_engagements
from providers.decorators import ProviderRequest, provider_page
from providers.domain.clients import Client
from providers.domain.engagements import propose_engagement
from providers.domain.granting import scopes_of_post
from providers.forms import MOST_STORES_TO_TICK, OfferForm, ShopSearchForm
from providers.models import Engagement
from providers.views import agreements
from providers.views.agreements import STATUS, Side
from providers.views.clients import enter_url

PER_PAGE = 50
USUAL = [Scope.STORES, Scope.DEALS, Scope.REDEMPTIONS, Scope.REFUNDS, Scope.SETTLEMENT]


@provider_page()
@require_safe
def provider_engagements(request: ProviderRequest) -> HttpResponse:
    """All of them, offered and over ones too, newest first."""
    page = Paginator(access_engagements(access=request.provider_access), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"page": page, "rows": [(one, STATUS[one.state]) for one in page]}
    return render(request, "provider/engagements.html", context)


@provider_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def provider_engagement_new(request: ProviderRequest) -> HttpResponse:
    """Name the shop, then say what is offered."""
    search = ShopSearchForm(request.GET if "shop" in request.GET else None)
    shop = _find_shop(search)
    if shop is None:
        context: dict[str, Any] = {"form": search}
        return render(request, "provider/engagement_new.html", context, status=422 if search.errors else 200)
    form = OfferForm(
        request.POST or None,
        stores=list(access_shop_stores(merchant=shop)[:MOST_STORES_TO_TICK]),
        initial={"scopes": USUAL, "percent": "5"},
    )
    if request.method == "POST" and form.is_valid():
        try:
            offer = propose_engagement(
                provider=request.provider, merchant=shop, for_party_id=request.provider.pk, by=request.user,
                **form.offered(),
            )  # fmt: skip
        except DomainError as error:
            agreements.add_error(form, error)
        else:
            messages.success(request, _("Offered. Nothing is granted before an owner of the shop agrees."))
            return redirect(
                "provider_engagement", provider_id=request.provider.pk, engagement_id=offer.engagement_id
            )
    context = {"form": form, "shop": shop, "is_change": False}
    return render(request, "provider/offer.html", context, status=422 if form.errors else 200)


@provider_page()
@require_safe
def provider_engagement(request: ProviderRequest, engagement_id: int) -> HttpResponse:
    engagement = access_engagement(access=request.provider_access, engagement_id=engagement_id)
    scopes = scopes_of_post(role=request.provider_access.role, scopes=engagement.scopes)
    enter = enter_url(Client(engagement=engagement, scopes=scopes))
    return agreements.show(request, _side(request, engagement), engagement, enter=enter)


@provider_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def provider_engagement_change(request: ProviderRequest, engagement_id: int) -> HttpResponse:
    engagement = access_engagement(access=request.provider_access, engagement_id=engagement_id)
    return agreements.change(request, _side(request, engagement), engagement)


@provider_page(Role.OWNER)
@require_POST
def provider_engagement_agree(request: ProviderRequest, engagement_id: int, offer_id: int) -> HttpResponse:
    return _answer(request, engagement_id, offer_id, "agree")


@provider_page(Role.OWNER)
@require_POST
def provider_engagement_refuse(request: ProviderRequest, engagement_id: int, offer_id: int) -> HttpResponse:
    return _answer(request, engagement_id, offer_id, "refuse")


@provider_page(Role.OWNER)
@require_POST
def provider_engagement_withdraw(request: ProviderRequest, engagement_id: int, offer_id: int) -> HttpResponse:
    return _answer(request, engagement_id, offer_id, "withdraw")


@provider_page(Role.OWNER)
@require_POST
def provider_engagement_end(request: ProviderRequest, engagement_id: int) -> HttpResponse:
    engagement = access_engagement(access=request.provider_access, engagement_id=engagement_id)
    return agreements.end(request, _side(request, engagement), engagement)


def _answer(request: ProviderRequest, engagement_id: int, offer_id: int, step: str) -> HttpResponse:
    engagement = access_engagement(access=request.provider_access, engagement_id=engagement_id)
    return agreements.answer(request, _side(request, engagement), engagement, offer_id, step)


def _side(request: ProviderRequest, engagement: Engagement) -> Side:
    return Side(
        user=request.user,
        party_id=request.provider.pk,
        speaks=request.provider_access.role == Role.OWNER,
        prefix="provider_engagement",
        arguments={"provider_id": request.provider.pk, "engagement_id": engagement.pk},
        list_name="provider_engagements",
        frame="provider",
    )


def _find_shop(search: ShopSearchForm) -> Merchant | None:
    if not search.is_bound or not search.is_valid():
        return None
    try:
        return access_shop(slug=search.cleaned_data["shop"])
    except NotFound:
        search.add_error("shop", _("No shop has this short name."))
        return None
