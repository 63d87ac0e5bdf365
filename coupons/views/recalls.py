"""Recalls: those there were, the question before a new one with the number shown first, one with its progress."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.errors import DomainError, NotFound
from core.newest import PARAMETER, read_newest
from core.refusals import describe
from coupons.access import access_deal, access_recall, access_recalls
from coupons.domain.recalls import Recallable, count_recallable, start_recall
from coupons.enums import RecallState, RefundState
from coupons.forms.refunds import RecallForm
from coupons.models import Deal, Placement
from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page

RECALLERS = (Role.OWNER, Role.MANAGER)
ROWS_PER_PAGE = 50
DEALS_OFFERED = 200


@merchant_page(*RECALLERS)
@require_safe
def recalls(request: MerchantRequest) -> HttpResponse:
    """Newest first, and which deal to recall next."""
    found = access_recalls(access=request.access).select_related("deal", "placement", "requested_by")
    context = {
        "page": read_newest(found, before=request.GET.get(PARAMETER), size=ROWS_PER_PAGE),
        "deals": Deal.objects.order_by("-id")[:DEALS_OFFERED],
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/recalls/recalls.html", context)


@merchant_page(*RECALLERS)
def recall_new(request: MerchantRequest) -> HttpResponse:
    """?deal= and perhaps ?placement=: what it would take back. Posting the number typed begins it."""
    access_recalls(access=request.access)  # not for who is bound to stores
    deal, placement = _choose(request)
    if deal is None:
        return redirect("recalls", slug=request.merchant.slug)
    form, refused = RecallForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            recall = start_recall(
                deal=deal,
                placement=placement,
                shown=Recallable(at=values["at"], coupons=values["shown"], amount_fen=0),
                typed=values["typed"],
                words=values["words"],
                by=request.user,
            )
        except DomainError as error:
            refused = describe(error, zone=request.merchant.tzinfo)
        else:
            messages.success(request, _("The recall has begun; the coupons are being locked."))
            return redirect("recall_detail", slug=request.merchant.slug, recall_id=recall.pk)
    counted = count_recallable(deal=deal, placement=placement)
    context = {
        "deal": deal,
        "placement": placement,
        "placements": Placement.objects.filter(deal=deal).order_by("-id")[:DEALS_OFFERED],
        "counted": counted,
        "at": counted.at.strftime("%Y-%m-%dT%H:%M:%S.%f%z"),
        "form": form,
        "refused": refused,
        "currency": request.merchant.currency,
    }
    status = 409 if refused else 422 if form.is_bound else 200
    return render(request, "merchant/recalls/new.html", context, status=status)


@merchant_page(*RECALLERS)
@require_safe
def recall_detail(request: MerchantRequest, recall_id: int) -> HttpResponse:
    """How far it is; on htmx only the figures, which ask for themselves again while it runs."""
    recall = access_recall(access=request.access, recall_id=recall_id)
    paid = recall.refunds.filter(state=RefundState.PAID_OUT).count()
    failed = recall.refunds.filter(state=RefundState.FAILED).count()
    refunds = recall.coupons - recall.voided
    context: dict[str, Any] = {
        "recall": recall,
        "paid": paid,
        "failed": failed,
        "refunds": refunds,
        "locked_percent": min(100, 100 * recall.coupons // max(1, recall.expected_coupons)),
        "paid_percent": 100 * paid // refunds if refunds else 0,
        "goes_on": recall.state == RecallState.RUNNING or paid < refunds,
        "currency": request.merchant.currency,
    }
    if recall.state == RecallState.DONE:
        context["left"] = count_recallable(deal=recall.deal, placement=recall.placement).coupons
    template = "merchant/recalls/progress.html" if request.htmx else "merchant/recalls/detail.html"
    return render(request, template, context)


def _choose(request: MerchantRequest) -> tuple[Deal | None, Placement | None]:
    """The deal and the link the address names. Raises NotFound for what is not this shop's."""
    deal_id, placement_id = request.GET.get("deal", ""), request.GET.get("placement", "")
    if not deal_id.isdecimal() or len(deal_id) > 18:
        return None, None
    deal = access_deal(access=request.access, deal_id=int(deal_id))
    if not placement_id:
        return deal, None
    if not placement_id.isdecimal() or len(placement_id) > 18:
        raise NotFound
    placement = Placement.objects.filter(pk=int(placement_id), deal=deal).first()
    if placement is None:
        raise NotFound
    return deal, placement
