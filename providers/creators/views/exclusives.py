"""/m/<slug>/exclusives/: who alone may carry which deal where and how long; nothing holds without the owner's consent."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from identity.enums import Role, Scope
from merchants.decorators import MerchantRequest, merchant_page
from providers.creators.domain.exclusivities import (
    agree_exclusivity,
    end_exclusivity,
    propose_exclusivity,
    refuse_exclusivity,
)
from providers.creators.enums import ExclusivityState
from providers.creators.exclusive_access import access_exclusivities, access_exclusivity
from providers.creators.exclusive_forms import ExclusivityForm
from providers.creators.models import Exclusivity
from providers.views.stations import act, sentence

MOST_SHOWN = 100
KIND = {ExclusivityState.PROPOSED: "warn", ExclusivityState.IN_FORCE: "ok"}


@merchant_page(Role.OWNER, Role.MANAGER, by=Scope.DEALS)
@require_safe
def exclusives(request: MerchantRequest) -> HttpResponse:
    """What waits for consent first; then what counts, then what is over."""
    now = timezone.now()
    waiting, rows = [], []
    for right in access_exclusivities(access=request.access)[:MOST_SHOWN]:
        is_over = right.period.upper <= now
        if right.state == ExclusivityState.PROPOSED and not is_over:
            waiting.append(right)
            continue
        state = ExclusivityState(right.state)
        kind = "idle" if is_over else KIND.get(state, "idle")
        rows.append(
            {"right": right, "kind": kind, "is_over": is_over, "starts_later": right.period.lower > now}
        )
    context = {
        "waiting": waiting,
        "rows": rows,
        "is_owner": request.merchant_role == Role.OWNER,
        "may_propose": request.merchant_role == Role.OWNER or request.access.for_party is not None,
    }
    return render(request, "station/exclusives.html", context)


@merchant_page(Role.OWNER, by=Scope.DEALS)
@require_http_methods(["GET", "HEAD", "POST"])
def exclusive_new(request: MerchantRequest) -> HttpResponse:
    """The owner's counts at once; a provider's owner asks for one for his firm, and the shop's owner answers."""
    form = ExclusivityForm(request.POST or None, access=request.access)
    if request.method == "POST" and form.is_valid():
        data, (begins, ends) = form.cleaned_data, form.period()
        served_by = request.access.for_party
        try:
            right = propose_exclusivity(
                merchant=request.merchant,
                deal=data["deal"],
                area_code=data["area"],
                begins=begins,
                ends=ends,
                holders=list(data["holders"]),
                for_party_id=served_by.pk if served_by else request.merchant.pk,
                by=request.user,
                note=data["note"],
            )
        except DomainError as error:
            form.add_error(None, sentence(error))
        else:
            is_asked = right.state == ExclusivityState.PROPOSED
            messages.success(
                request,
                _("Asked for: the shop's owner answers.") if is_asked else _("In force as written here."),
            )
            return redirect("exclusives", slug=request.merchant.slug)
    context = {"form": form, "is_owner": request.merchant_role == Role.OWNER}
    return render(request, "station/exclusive_new.html", context, status=422 if form.errors else 200)


@merchant_page(Role.OWNER)
@require_POST
def exclusive_agree(request: MerchantRequest, exclusivity_id: int) -> HttpResponse:
    return _answer(
        request, exclusivity_id, agree_exclusivity, _("Agreed: only the named take such tasks from now on.")
    )


@merchant_page(Role.OWNER)
@require_POST
def exclusive_refuse(request: MerchantRequest, exclusivity_id: int) -> HttpResponse:
    return _answer(request, exclusivity_id, refuse_exclusivity, _("Refused: everything stays as it is."))


@merchant_page(Role.OWNER)
@require_POST
def exclusive_end(request: MerchantRequest, exclusivity_id: int) -> HttpResponse:
    return _answer(request, exclusivity_id, end_exclusivity, _("Over: such tasks are open to all again."))


def _answer(
    request: MerchantRequest, exclusivity_id: int, change: Callable[..., Exclusivity], done: str
) -> HttpResponse:
    right = access_exclusivity(access=request.access, exclusivity_id=exclusivity_id)
    return act(
        request,
        lambda: change(exclusivity=right, by=request.user),
        done,
        redirect("exclusives", slug=request.merchant.slug),
    )
