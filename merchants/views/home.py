"""/ sends everybody where his work is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from identity.domain.grants import live_grants
from identity.enums import PartyKind, Role
from identity.models import User
from merchants.access import MerchantAccess, access_merchants

CLERK_PAGE = "/clerk/"  # served by a floor above


def home(request: HttpRequest) -> HttpResponse:
    """The one page of the reader's work; a choice where he works for several; how to be let in where for none."""
    if not request.user.is_authenticated:
        return render(request, "landing.html")
    accesses = _one_per_merchant(access_merchants(user=request.user))
    if not accesses:
        if request.user.is_staff:
            return redirect("admin:index")
        if payee_page := _page_of_payee(request.user):
            return redirect(payee_page)
        return render(request, "merchant/doors/no_access.html")
    if all(access.role == Role.CLERK for access in accesses):
        return redirect(CLERK_PAGE)
    if len(accesses) == 1 and not request.user.is_staff:
        return redirect(_page_of(accesses[0]))
    shops = [{"access": access, "url": _page_of(access)} for access in accesses]
    return render(request, "merchant/doors/choose_shop.html", {"shops": shops})


def _page_of_payee(user: User) -> str:
    """The statements of the provider, station or creator he acts for; empty where there is none."""
    kinds = [PartyKind.PROVIDER, PartyKind.STATION, PartyKind.CREATOR]
    grant = (
        live_grants(user=user).filter(party__kind__in=kinds).exclude(role=Role.CLERK).order_by("id").first()
    )
    try:
        return reverse("payee_statements", kwargs={"party_id": grant.party_id}) if grant else ""
    except NoReverseMatch:  # this floor stands alone
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
