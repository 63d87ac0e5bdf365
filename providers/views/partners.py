"""/m/<slug>/partners/: who serves the shop, what each may do, what it costs, what its people did; an owner decides."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from coupons.insights.domain.across import sum_days_across
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page
from merchants.models import Store
from providers.access import access_acts, access_partner, access_partners
from providers.domain.engagements import BY_STORE, fee_ends_at, narrow_engagement, propose_engagement
from providers.domain.granting import IN_FORCE
from providers.enums import EngagementState
from providers.forms import NarrowForm, PartnerForm
from providers.models import Engagement
from providers.views import agreements
from providers.views.acts import tell_acts
from providers.views.agreements import STATUS, Side, tell_grants

ACTS_SHOWN = 30
LOOK_BACK_DAYS = 28


@merchant_page(Role.OWNER)
@require_safe
def partners(request: MerchantRequest) -> HttpResponse:
    """Every engagement, the ones in force first."""
    order = [
        EngagementState.PROPOSED,
        EngagementState.CHANGING,
        EngagementState.ACTIVE,
        EngagementState.ENDED,
    ]
    found = sorted(
        access_partners(access=request.access)[:200], key=lambda one: order.index(EngagementState(one.state))
    )
    rows = [
        {
            "engagement": one,
            "status": STATUS[one.state],
            "granted": tell_grants(one.scopes, one.store_ids, merchant=request.merchant),
        }
        for one in found
    ]
    return render(request, "merchant/partners/partners.html", {"rows": rows})


@merchant_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_new(request: MerchantRequest) -> HttpResponse:
    """Offer an engagement to a provider."""
    form = PartnerForm(
        request.POST or None, stores=agreements.stores_of(request.merchant), initial={"percent": "5"}
    )
    if request.method == "POST" and form.is_valid():
        try:
            offer = propose_engagement(
                provider=form.cleaned_data["provider"], merchant=request.merchant,
                for_party_id=request.merchant.pk, by=request.user, **form.offered(),
            )  # fmt: skip
        except DomainError as error:
            agreements.add_error(form, error)
        else:
            messages.success(request, _("Offered. Nothing is granted before the provider agrees."))
            return redirect("partner", slug=request.merchant.slug, engagement_id=offer.engagement_id)
    context = {"form": form, "is_change": False}
    return render(request, "merchant/partners/offer.html", context, status=422 if form.errors else 200)


@merchant_page(Role.OWNER)
@require_safe
def partner(request: MerchantRequest, engagement_id: int) -> HttpResponse:
    engagement = access_partner(access=request.access, engagement_id=engagement_id)
    return _show(request, engagement, form=_narrow_form(request, engagement))


@merchant_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_change(request: MerchantRequest, engagement_id: int) -> HttpResponse:
    engagement = access_partner(access=request.access, engagement_id=engagement_id)
    return agreements.change(request, _side(request, engagement), engagement)


@merchant_page(Role.OWNER)
@require_POST
def partner_narrow(request: MerchantRequest, engagement_id: int) -> HttpResponse:
    """Take back part of what is granted, alone and at once."""
    engagement = access_partner(access=request.access, engagement_id=engagement_id)
    form = _narrow_form(request, engagement, request.POST)
    if not form.is_valid():
        return _show(request, engagement, form=form, status=422)
    stays = [Scope(one) for one in form.cleaned_data["scopes"]]
    stores = form.cleaned_data["stores"] or engagement.store_ids
    return agreements.act(
        request,
        _side(request, engagement),
        _("Taken back. It counts from the next page they open."),
        lambda: narrow_engagement(engagement=engagement, scopes=stays, store_ids=stores, by=request.user),
    )


@merchant_page(Role.OWNER)
@require_POST
def partner_agree(request: MerchantRequest, engagement_id: int, offer_id: int) -> HttpResponse:
    return _answer(request, engagement_id, offer_id, "agree")


@merchant_page(Role.OWNER)
@require_POST
def partner_refuse(request: MerchantRequest, engagement_id: int, offer_id: int) -> HttpResponse:
    return _answer(request, engagement_id, offer_id, "refuse")


@merchant_page(Role.OWNER)
@require_POST
def partner_withdraw(request: MerchantRequest, engagement_id: int, offer_id: int) -> HttpResponse:
    return _answer(request, engagement_id, offer_id, "withdraw")


@merchant_page(Role.OWNER)
@require_POST
def partner_end(request: MerchantRequest, engagement_id: int) -> HttpResponse:
    engagement = access_partner(access=request.access, engagement_id=engagement_id)
    return agreements.end(request, _side(request, engagement), engagement)


def _answer(request: MerchantRequest, engagement_id: int, offer_id: int, step: str) -> HttpResponse:
    engagement = access_partner(access=request.access, engagement_id=engagement_id)
    return agreements.answer(request, _side(request, engagement), engagement, offer_id, step)


def _show(
    request: MerchantRequest, engagement: Engagement, *, form: NarrowForm, status: int = 200
) -> HttpResponse:
    acts = list(access_acts(access=request.access, engagement=engagement)[: ACTS_SHOWN + 1])
    response = agreements.show(
        request,
        _side(request, engagement),
        engagement,
        narrow=form,
        acts=tell_acts(acts[:ACTS_SHOWN]),
        acts_left_out=len(acts) > ACTS_SHOWN,
        cost=_cost_of_ending(request, engagement),
    )
    response.status_code = status
    return response


def _narrow_form(request: MerchantRequest, engagement: Engagement, data: Any = None) -> NarrowForm:
    stores: list[Store] = []
    if frozenset(engagement.scopes) <= BY_STORE:  # else it is of the whole shop, and so is what stays of it
        stores = [
            store
            for store in agreements.stores_of(request.merchant)
            if engagement.store_ids is None or store.pk in engagement.store_ids
        ]
    initial = {"scopes": engagement.scopes, "stores": engagement.store_ids or []}
    return NarrowForm(data, scopes=engagement.scopes, stores=stores, initial=initial)


def _cost_of_ending(request: MerchantRequest, engagement: Engagement) -> dict[str, Any] | None:
    """What the fee would still be if the merchant ended it now, at the sales of the last four weeks; None: nothing."""
    until = fee_ends_at(engagement=engagement) if engagement.state in IN_FORCE else None
    if until is None or engagement.terms is None:
        return None
    today = timezone.localdate(timezone=request.merchant.tzinfo)
    days = sum_days_across(
        merchant_ids=[request.merchant.pk],
        first=today - timedelta(days=LOOK_BACK_DAYS),
        last=today - timedelta(days=1),
    )
    sold_fen = sum(day.sold_fen for day in days)
    days_left = (until.date() - today).days
    return {
        "last_day": until.date() - timedelta(days=1),
        "bps": engagement.terms.bps,
        "days": days_left,
        "fen": sold_fen * days_left * engagement.terms.bps // (LOOK_BACK_DAYS * 10_000),
    }


def _side(request: MerchantRequest, engagement: Engagement) -> Side:
    return Side(
        user=request.user,
        party_id=request.merchant.pk,
        speaks=request.merchant_role == Role.OWNER,
        prefix="partner",
        arguments={"slug": request.merchant.slug, "engagement_id": engagement.pk},
        list_name="partners",
        frame="merchant/partners",
    )
