"""/stations/: a station's own page: its training, territory, merchants with what they brought, and its people."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, NotFound
from core.refusals import describe
from identity.enums import Role
from providers.domain.station_figures import StationFigures, get_station_figures
from providers.domain.station_merchants import leave_station, offer_to_merchant, withdraw_station_offer
from providers.domain.stations import end_station_membership, set_station_membership
from providers.domain.territories import held_now
from providers.domain.training import list_points, report_done
from providers.enums import StationMerchantState, StationState
from providers.station_access import (
    STATION_ROLES,
    StationAccess,
    access_asked_item,
    access_station,
    access_station_merchant,
    access_station_merchants,
    access_station_post,
    access_station_staff,
    access_stations,
)
from providers.station_forms import OfferForm, StationPostForm

FIGURE_DAYS = 30
MOST_SHOWN = 200
STATE_KIND = {
    StationState.PREPARING: "warn", StationState.OPEN: "ok", StationState.CLOSED: "idle",
}  # fmt: skip
LINK_KIND = {StationMerchantState.PROPOSED: "warn", StationMerchantState.ACTIVE: "ok"}
TRADERS = (Role.OWNER, Role.MANAGER)

View = Callable[..., HttpResponseBase]


def station_page(*roles: Role) -> Callable[[View], View]:
    """Open a page under /stations/<id>/ to who holds one of the roles there (none named: any); anybody else gets 404."""

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def inside(request: Any, station_id: int, **kwargs: Any) -> HttpResponseBase:
            try:
                access = access_station(
                    user=request.user, station_id=station_id, roles=roles or STATION_ROLES
                )
                return view(request, access, **kwargs)
            except NotFound as error:
                raise Http404 from error

        inside.station_roles = roles or tuple(STATION_ROLES)  # type: ignore[attr-defined]
        return inside

    return decorate


@login_required
@require_safe
def stations(request: Any) -> HttpResponse:
    """The one station the reader works for, or a choice."""
    accesses = access_stations(user=request.user)
    if not accesses:
        raise Http404
    if len(accesses) == 1:
        return redirect("station", station_id=accesses[0].station.pk)
    rows = [(access, STATE_KIND[StationState(access.station.state)]) for access in accesses]
    return render(request, "station/stations.html", {"rows": rows})


@station_page()
@require_safe
def station(request: Any, access: StationAccess) -> HttpResponse:
    since = timezone.localdate() - timedelta(days=FIGURE_DAYS - 1)
    figures = get_station_figures(station=access.station, since=since)
    links = access_station_merchants(access=access)[:MOST_SHOWN]
    rows = [
        {
            "link": link,
            "figures": figures.get(link.merchant_id, StationFigures()),
            "kind": LINK_KIND.get(StationMerchantState(link.state), "idle"),
        }
        for link in links
    ]
    context = {
        "access": access,
        "station": access.station,
        "kind": STATE_KIND[StationState(access.station.state)],
        "rows": rows,
        "active": sum(row["link"].state == StationMerchantState.ACTIVE for row in rows),  # type: ignore[attr-defined]
        "gross_fen": sum(one.gross_fen for one in figures.values()),
        "share_fen": sum(one.share_fen for one in figures.values()),
        "days": FIGURE_DAYS,
        "points": list_points(station=access.station),
        "territories": held_now(station=access.station),
        "staff": access_station_staff(access=access),
        "may_trade": access.role in TRADERS and access.station.state != StationState.CLOSED,
        "is_owner": access.role == Role.OWNER,
    }
    return render(request, "station/station.html", context)


@station_page(*TRADERS)
@require_POST
def station_training_done(request: Any, access: StationAccess, item_id: int) -> HttpResponse:
    item = access_asked_item(station=access.station, item_id=item_id)
    return act(
        request,
        lambda: report_done(station=access.station, item=item, by=request.user),
        _("Said to the provider: somebody there looks at it."),
        redirect("station", station_id=access.station.pk),
    )


@station_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def station_offer(request: Any, access: StationAccess) -> HttpResponse:
    """Offer a merchant to look after its shop; its owner answers."""
    form = OfferForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            offer_to_merchant(
                station=access.station,
                merchant=form.cleaned_data["shop"],
                share_bps=form.share_bps(),
                note=form.cleaned_data["note"],
                by=request.user,
            )
        except DomainError as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, _("Offered: it waits for an owner of the shop."))
            return redirect("station", station_id=access.station.pk)
    context = {"form": form, "station": access.station, "territories": held_now(station=access.station)}
    return render(request, "station/offer.html", context, status=422 if form.errors else 200)


@station_page(Role.OWNER)
@require_POST
def station_offer_withdraw(request: Any, access: StationAccess, link_id: int) -> HttpResponse:
    link = access_station_merchant(access=access, link_id=link_id)
    return act(
        request,
        lambda: withdraw_station_offer(link=link, by=request.user),
        _("The offer was taken back."),
        redirect("station", station_id=access.station.pk),
    )


@station_page(Role.OWNER)
@require_POST
def station_merchant_end(request: Any, access: StationAccess, link_id: int) -> HttpResponse:
    link = access_station_merchant(access=access, link_id=link_id)
    return act(
        request,
        lambda: leave_station(link=link, by=request.user),
        _("Over: orders placed from now on pay no share."),
        redirect("station", station_id=access.station.pk),
    )


@station_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def station_post_give(request: Any, access: StationAccess) -> HttpResponse:
    """Give somebody a post at the station, or another one."""
    form = StationPostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person, role = form.cleaned_data["person"], Role(form.cleaned_data["role"])
        try:
            set_station_membership(station=access.station, user=person, role=role, by=request.user)
        except DomainError as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, _("%(name)s has a new post.") % {"name": person.name})
            return redirect("station", station_id=access.station.pk)
    context = {"form": form, "station": access.station}
    return render(request, "station/post.html", context, status=422 if form.errors else 200)


@station_page(Role.OWNER)
@require_POST
def station_post_end(request: Any, access: StationAccess, membership_id: int) -> HttpResponse:
    membership = access_station_post(access=access, membership_id=membership_id)
    is_oneself = membership.user_id == request.user.pk
    return act(
        request,
        lambda: end_station_membership(membership=membership, by=request.user),
        _("%(name)s no longer works here.") % {"name": membership.user.name},
        redirect("station", station_id=access.station.pk),
        after=redirect("home") if is_oneself else None,
    )


def act(
    request: Any,
    change: Callable[[], object],
    done: str,
    back: HttpResponse,
    after: HttpResponse | None = None,
) -> HttpResponse:
    """Do it and say so, or say why not; then `after` (default: back)."""
    try:
        change()
    except DomainError as error:
        if describe(error).status == 404:
            raise
        messages.error(request, sentence(error))
        return back
    messages.success(request, done)
    return after or back


def sentence(error: DomainError) -> str:
    """What the refusal says and what to do next."""
    told = describe(error)
    return f"{told.title} {told.next_step}"
