"""/p/<provider>/stations/: a provider's stations, what they must learn, which part of the market each holds."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from identity.enums import Role
from merchants.enums import Category
from providers.access import ProviderAccess
from providers.decorators import provider_page
from providers.domain.stations import close_station, create_station, open_station
from providers.domain.territories import end_territory, give_territory, held_now
from providers.domain.training import (
    add_training_item,
    list_points,
    pass_training,
    retire_training_item,
    send_back_training,
)
from providers.enums import StationMerchantState, StationState
from providers.models import Station
from providers.station_access import (
    access_asked_item,
    access_provider_station,
    access_provider_stations,
    access_territory,
    access_training_item,
    access_training_items,
)
from providers.station_forms import StationForm, TerritoryForm, TrainingItemForm
from providers.views.stations import LINK_KIND, MOST_SHOWN, STATE_KIND, act, sentence

RUNNERS = (Role.OWNER, Role.MANAGER)

View = Callable[..., HttpResponseBase]


def station_door(*roles: Role) -> Callable[[View], View]:
    """As provider_page; the view is given the access, and the station of the path where it is the provider's own."""

    def decorate(view: View) -> View:
        @provider_page(*roles)
        @wraps(view)
        def inside(request: Any, station_id: int | None = None, **kwargs: Any) -> HttpResponseBase:
            access: ProviderAccess = request.provider_access
            if station_id is None:
                return view(request, access, **kwargs)
            return view(
                request, access, access_provider_station(access=access, station_id=station_id), **kwargs
            )

        return inside

    return decorate


@station_door()
@require_safe
def provider_stations(request: Any, access: ProviderAccess) -> HttpResponse:
    stations = access_provider_stations(access=access).annotate(
        shops=Count("merchants", filter=Q(merchants__state=StationMerchantState.ACTIVE))
    )
    context = {
        "access": access,
        "provider": access.provider,
        "rows": [(station, STATE_KIND[StationState(station.state)]) for station in stations],
        "items": access_training_items(access=access),
        "form": TrainingItemForm(),
        "may_run": access.role in RUNNERS,
    }
    return render(request, "station/provider_stations.html", context)


@station_door(*RUNNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def provider_station_new(request: Any, access: ProviderAccess) -> HttpResponse:
    form = StationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            station = create_station(
                provider=access.provider, name=data["name"], city_code=data["city"], owner=data["owner"],
                by=request.user,
            )  # fmt: skip
        except DomainError as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, _("The station prepares: give it a territory, pass its training."))
            return _back(access, station)
    context = {"form": form, "access": access, "provider": access.provider}
    return render(request, "station/new.html", context, status=422 if form.errors else 200)


@station_door()
@require_safe
def provider_station(request: Any, access: ProviderAccess, station: Station) -> HttpResponse:
    return _show(request, access, station, TerritoryForm(station=station))


@station_door(*RUNNERS)
@require_POST
def provider_station_open(request: Any, access: ProviderAccess, station: Station) -> HttpResponse:
    return act(
        request, lambda: open_station(station=station, by=request.user), _("The station is open."),
        _back(access, station),
    )  # fmt: skip


@station_door(*RUNNERS)
@require_POST
def provider_station_close(request: Any, access: ProviderAccess, station: Station) -> HttpResponse:
    return act(
        request, lambda: close_station(station=station, by=request.user), _("The station is closed."),
        _back(access, station),
    )  # fmt: skip


@station_door(*RUNNERS)
@require_POST
def territory_give(request: Any, access: ProviderAccess, station: Station) -> HttpResponse:
    """All that was chosen or none of it."""
    form = TerritoryForm(request.POST, station=station)
    if form.is_valid():
        try:
            with transaction.atomic():
                for category in form.cleaned_data["categories"]:
                    for code in form.areas():
                        give_territory(
                            station=station, category=Category(category), area_code=code, by=request.user
                        )
        except DomainError as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, _("Only this station holds it from now on."))
            return _back(access, station)
    return _show(request, access, station, form, status=422)


@station_door(*RUNNERS)
@require_POST
def territory_end(request: Any, access: ProviderAccess, station: Station, territory_id: int) -> HttpResponse:
    territory = access_territory(station=station, territory_id=territory_id)
    return act(
        request, lambda: end_territory(territory=territory, by=request.user),
        _("Another station may hold it from now on."), _back(access, station),
    )  # fmt: skip


@station_door(*RUNNERS)
@require_POST
def training_pass(request: Any, access: ProviderAccess, station: Station, item_id: int) -> HttpResponse:
    item = access_asked_item(station=station, item_id=item_id)
    return act(
        request, lambda: pass_training(station=station, item=item, by=request.user), _("Passed."),
        _back(access, station),
    )  # fmt: skip


@station_door(*RUNNERS)
@require_POST
def training_send_back(request: Any, access: ProviderAccess, station: Station, item_id: int) -> HttpResponse:
    item = access_asked_item(station=station, item_id=item_id)
    return act(
        request, lambda: send_back_training(station=station, item=item, by=request.user),
        _("Sent back: the station does it again."), _back(access, station),
    )  # fmt: skip


@station_door(*RUNNERS)
@require_POST
def training_add(request: Any, access: ProviderAccess) -> HttpResponse:
    form = TrainingItemForm(request.POST)
    back = redirect("provider_stations", provider_id=access.provider.pk)
    if not form.is_valid():
        messages.error(request, _("Write what has to be learned, in at most 80 characters."))
        return back
    return act(
        request,
        lambda: add_training_item(provider=access.provider, by=request.user, **form.cleaned_data),
        _("Asked of every station that has not opened yet."),
        back,
    )


@station_door(*RUNNERS)
@require_POST
def training_retire(request: Any, access: ProviderAccess, item_id: int) -> HttpResponse:
    item = access_training_item(access=access, item_id=item_id)
    return act(
        request, lambda: retire_training_item(item=item, by=request.user), _("Asked of nobody any more."),
        redirect("provider_stations", provider_id=access.provider.pk),
    )  # fmt: skip


def _show(
    request: Any, access: ProviderAccess, station: Station, form: TerritoryForm, status: int = 200
) -> HttpResponse:
    points = list_points(station=station)
    links = station.merchants.select_related("merchant").order_by("-id")[:MOST_SHOWN]
    context = {
        "access": access,
        "provider": access.provider,
        "station": station,
        "kind": STATE_KIND[StationState(station.state)],
        "points": points,
        "passed": sum(point.is_passed for point in points),
        "territories": held_now(station=station),
        "form": form,
        "links": [(link, LINK_KIND.get(StationMerchantState(link.state), "idle")) for link in links],
        "staff": station.memberships.filter(is_active=True)
        .select_related("user")
        .order_by("user__name", "id"),
        "may_run": access.role in RUNNERS and station.state != StationState.CLOSED,
    }
    return render(request, "station/provider_station.html", context, status=status)


def _back(access: ProviderAccess, station: Station) -> HttpResponse:
    return redirect("provider_station", provider_id=access.provider.pk, station_id=station.pk)
