"""/m/<slug>/stations/: which city station looks after the shop for which share; the owner agrees, refuses, ends."""

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from identity.enums import Role
from merchants.decorators import MerchantRequest, merchant_page
from providers.domain.station_merchants import agree_to_station, leave_station, refuse_station
from providers.enums import StationMerchantState
from providers.models import StationMerchant
from providers.station_access import access_station_of_merchant, access_stations_of_merchant
from providers.views.stations import LINK_KIND, act

MOST_SHOWN = 100


@merchant_page(Role.OWNER, Role.MANAGER, Role.FINANCE)
@require_safe
def merchant_stations(request: MerchantRequest) -> HttpResponse:
    links = list(access_stations_of_merchant(access=request.access)[:MOST_SHOWN])
    context = {
        "offers": [link for link in links if link.state == StationMerchantState.PROPOSED],
        "rows": [
            (link, LINK_KIND.get(StationMerchantState(link.state), "idle"))
            for link in links
            if link.state != StationMerchantState.PROPOSED
        ],
        "is_owner": request.merchant_role == Role.OWNER,
    }
    return render(request, "station/merchant_stations.html", context)


@merchant_page(Role.OWNER)
@require_POST
def merchant_station_agree(request: MerchantRequest, link_id: int) -> HttpResponse:
    return _answer(request, link_id, agree_to_station, _("Agreed: it counts for orders placed from now on."))


@merchant_page(Role.OWNER)
@require_POST
def merchant_station_refuse(request: MerchantRequest, link_id: int) -> HttpResponse:
    return _answer(request, link_id, refuse_station, _("Refused: everything stays as it is."))


@merchant_page(Role.OWNER)
@require_POST
def merchant_station_end(request: MerchantRequest, link_id: int) -> HttpResponse:
    return _answer(request, link_id, leave_station, _("Over: orders placed from now on pay no share."))


def _answer(
    request: MerchantRequest, link_id: int, change: Callable[..., StationMerchant], done: str
) -> HttpResponse:
    link = access_station_of_merchant(access=request.access, link_id=link_id)
    return act(
        request,
        lambda: change(link=link, by=request.user),
        done,
        redirect("merchant_stations", slug=request.merchant.slug),
    )
