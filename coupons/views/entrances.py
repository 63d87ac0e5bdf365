"""A deal's entrances: links to share, what each sold, and pieces set aside for those who come by them."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError, NotFound
from core.qr import qr_svg
from core.refusals import describe
from coupons.access import access_deal, access_link
from coupons.domain import entrances as domain
from coupons.domain.entrances import EntranceFigures, count_entrances, count_link
from coupons.enums import LINK_ENTRANCES, DealState, Entrance
from coupons.forms.entrances import EntrancePiecesForm, LinkForm
from coupons.models import Deal, DealStock, Placement
from coupons.views.deals import STATUS_KINDS
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page


@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
@require_safe
def show_entrances(request: MerchantRequest, deal_id: int) -> HttpResponse:
    """Every entrance with what came by it, its pieces and its links."""
    return _show(request, access_deal(access=request.access, deal_id=deal_id))


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def add_deal_link(request: MerchantRequest, deal_id: int) -> HttpResponse:
    """Make a link and show it, ready to be shared."""
    deal = access_deal(access=request.access, deal_id=deal_id)
    form = LinkForm(request.POST)
    if form.is_valid():
        try:
            link = domain.add_link(deal=deal, by=request.user, **form.cleaned_data)
        except DomainError as refused:
            field = refused.facts.get("field")
            form.add_error(field if field in form.fields else None, describe(refused).title)
        else:
            messages.success(request, _("The link is made; share it."))
            return redirect("coupons:deal_link", request.merchant.slug, deal.pk, link.pk)
    return _show(request, deal, link_form=form, status=422)


@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
@require_safe
def show_link(request: MerchantRequest, deal_id: int, placement_id: int) -> HttpResponse:
    """One link to copy, print or close, with its QR code."""
    deal = access_deal(access=request.access, deal_id=deal_id)
    placement = access_link(access=request.access, deal=deal, placement_id=placement_id)
    url = _address(request, placement)
    context = {
        "deal": deal,
        "placement": placement,
        "link": count_link(placement=placement),
        "has_own": placement.pool is not None and placement.pool.closed_at is None,
        "url": url,
        "qr": qr_svg(url, error="q"),  # a fifth of it may be dirty
        "currency": request.merchant.currency,
    }
    return render(request, "merchant/deals/link.html", context)


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def close_deal_link(request: MerchantRequest, deal_id: int, placement_id: int) -> HttpResponse:
    deal = access_deal(access=request.access, deal_id=deal_id)
    domain.close_link(
        placement=access_link(access=request.access, deal=deal, placement_id=placement_id), by=request.user
    )
    messages.success(request, _("The link is closed; what it sold stays counted."))
    return redirect("coupons:deal_entrances", request.merchant.slug, deal.pk)


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def change_pieces(request: MerchantRequest, deal_id: int, entrance: str) -> HttpResponse:
    """More or fewer pieces of its own for one entrance; a refusal stands beside its field."""
    deal = access_deal(access=request.access, deal_id=deal_id)
    chosen = _entrance(entrance)
    figures = count_entrances(deal=deal)
    form = EntrancePiecesForm(request.POST, figures=_of(figures, chosen))
    if form.is_valid():
        pieces = form.cleaned_data["pieces"]
        try:
            domain.set_pieces(deal=deal, entrance=chosen, pieces=pieces, by=request.user)
        except DomainError as refused:
            form.add_error("pieces", describe(refused).title)
        else:
            messages.success(
                request,
                ngettext(
                    "%(entrance)s: %(pieces)s piece of its own.",
                    "%(entrance)s: %(pieces)s pieces of its own.",
                    pieces,
                )
                % {"entrance": chosen.label, "pieces": pieces},
            )
            return redirect("coupons:deal_entrances", request.merchant.slug, deal.pk)
    return _show(request, deal, figures=figures, pieces_form=(chosen, form), status=422)


@require_POST
@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
def take_back(request: MerchantRequest, deal_id: int, entrance: str) -> HttpResponse:
    """End one entrance's allotment."""
    deal = access_deal(access=request.access, deal_id=deal_id)
    chosen = _entrance(entrance)
    returned = domain.take_back(deal=deal, entrance=chosen, by=request.user)
    messages.success(
        request,
        ngettext(
            "%(pieces)s piece is back in general sale; the links of %(entrance)s sell from there.",
            "%(pieces)s pieces are back in general sale; the links of %(entrance)s sell from there.",
            returned,
        )
        % {"entrance": chosen.label, "pieces": returned},
    )
    return redirect("coupons:deal_entrances", request.merchant.slug, deal.pk)


def _show(
    request: MerchantRequest,
    deal: Deal,
    *,
    figures: list[EntranceFigures] | None = None,
    link_form: LinkForm | None = None,
    pieces_form: tuple[Entrance, EntrancePiecesForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    figures = figures or count_entrances(deal=deal)
    refused, form = pieces_form or (None, None)
    stock = DealStock.objects.get(deal_id=deal.pk)
    links = [link for row in figures for link in row.links]
    context: dict[str, Any] = {
        "deal": deal,
        "status_kind": STATUS_KINDS[DealState(deal.state)],
        "can_change": domain.can_have_links(deal=deal),
        "rows": [
            (row, form if row.entrance == refused else EntrancePiecesForm(figures=row)) for row in figures
        ],
        "links": [(link, _address(request, link.placement)) for row in figures for link in row.open_links],
        "closed_links": [link for link in links if link.placement.closed_at],
        "stock": stock,
        "link_form": link_form or LinkForm(),
        "pieces_form": form,
    }
    return render(request, "merchant/deals/entrances.html", context, status=status)


def _address(request: MerchantRequest, placement: Placement) -> str:
    """The public address of a link, absolute."""
    path = reverse("shop_deal", args=(request.merchant.slug, placement.deal_id))
    return request.build_absolute_uri(f"{path}?from={placement.token}")


def _entrance(value: str) -> Entrance:
    """Raises NotFound for what is no entrance of links."""
    if value not in LINK_ENTRANCES:
        raise NotFound
    return Entrance(value)


def _of(figures: list[EntranceFigures], entrance: Entrance) -> EntranceFigures:
    return next(row for row in figures if row.entrance == entrance)
