"""/ sends everybody where his work is."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from identity.domain.grants import live_grants
from identity.enums import PartyKind, Role
from identity.models import Party, User
from merchants.access import MerchantAccess, access_merchants

CLERK_PAGE = "/clerk/"  # served by a floor above
# Pages of floors above by URL name, each with the argument that takes the party's key.
PAGES_OF_PARTIES: dict[PartyKind, list[tuple[str, str]]] = {
    PartyKind.PROVIDER: [("provider_clients", "provider_id")],
    PartyKind.STATION: [("station", "station_id")],
    PartyKind.CREATOR: [("creator_board", "")],
}


def home(request: HttpRequest) -> HttpResponse:
    """The one page of the reader's work; a choice where he works for several; how to be let in where for none."""
    if not request.user.is_authenticated:
        return render(request, "landing.html")
    accesses = _one_per_merchant(access_merchants(user=request.user))
    served = _pages_of_payee(request.user)
    if not accesses:
        if request.user.is_staff:
            return redirect("admin:index")
        if len(served) == 1:
            return redirect(served[0]["url"])
        if not served:
            return render(request, "merchant/doors/no_access.html")
    if not served and accesses:
        if all(access.role == Role.CLERK for access in accesses):
            return redirect(CLERK_PAGE)
        if len(accesses) == 1 and not request.user.is_staff:
            return redirect(_page_of(accesses[0]))
    shops = [{"access": access, "url": _page_of(access)} for access in accesses]
    return render(request, "merchant/doors/choose_shop.html", {"shops": shops, "served": served})


def _pages_of_payee(user: User) -> list[dict[str, Any]]:
    """Where the provider's, station's or creator's work is that he acts for: a page for each party, by its name."""
    grants = (
        live_grants(user=user)
        .filter(party__kind__in=PAGES_OF_PARTIES)
        .exclude(role__in=["", Role.CLERK])
        .select_related("party")
        .order_by("party__name", "id")
    )
    found: dict[int, dict[str, Any]] = {}
    for grant in grants:
        if grant.party_id not in found and (url := _page_of_party(grant.party)):
            found[grant.party_id] = {"party": grant.party, "url": url}
    return list(found.values())


def _page_of_party(party: Party) -> str:
    """Its own page, else its statements; empty where this floor stands alone."""
    for name, argument in (*PAGES_OF_PARTIES[PartyKind(party.kind)], ("payee_statements", "party_id")):
        try:
            return reverse(name, kwargs={argument: party.pk} if argument else None)
        except NoReverseMatch:
            continue
    return ""


def _one_per_merchant(accesses: list[MerchantAccess]) -> list[MerchantAccess]:
    """Several grants at one merchant (a post and an engagement) lead to one page; the office before the counter."""
    best: dict[int, MerchantAccess] = {}
    for access in accesses:
        known = best.get(access.merchant.pk)
        if known is None or known.role == Role.CLERK:
            best[access.merchant.pk] = access
    return list(best.values())


def _page_of(access: MerchantAccess) -> str:
    if access.role == Role.CLERK:
        return CLERK_PAGE
    try:
        return reverse("merchant_home", kwargs={"slug": access.merchant.slug})
    except NoReverseMatch:  # this floor stands alone
        return f"/m/{access.merchant.slug}/"
