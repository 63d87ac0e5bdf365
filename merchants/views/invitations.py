"""/invitation/<secret>/: whoever holds the link takes the post."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from core.errors import DomainError
from core.refusals import describe
from identity.models import User
from merchants.domain.invitations import (
    InvitationGone,
    accept_as_new_user,
    accept_as_user,
    get_invitation,
    get_known_user,
)
from merchants.forms import NewAccountForm

GONE = 410


@dataclass(frozen=True)
class Door:
    """The invitations of one kind of house: what the page asks of its domain, and who invites."""

    get: Callable[..., Any]
    accept_as_user: Callable[..., Any]
    accept_as_new_user: Callable[..., Any]
    house: Callable[[Any], str]


SHOP = Door(
    get=get_invitation,
    accept_as_user=accept_as_user,
    accept_as_new_user=accept_as_new_user,
    house=lambda invitation: invitation.merchant.name,
)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_accept(request: HttpRequest, secret: str) -> HttpResponse:
    return accept(request, secret, SHOP)


def accept(request: HttpRequest, secret: str, door: Door) -> HttpResponse:
    """A newcomer makes an account; who has one signs in and accepts; anyone else is told why not."""
    try:
        invitation = door.get(secret=secret)
        if request.user.is_authenticated:
            return _as_user(request, invitation, secret, door)
        if get_known_user(invitation=invitation):
            return _ask_to_sign_in(request, invitation, door)
        return _as_newcomer(request, invitation, secret, door)
    except InvitationGone as error:
        return render(
            request, "merchant/staff/invitation_gone.html", {"refusal": describe(error)}, status=GONE
        )


def _as_user(request: HttpRequest, invitation: Any, secret: str, door: Door) -> HttpResponse:
    user = cast(User, request.user)  # the caller asked
    context = _about(invitation, door) | {"is_mine": user.phone == invitation.phone}
    if request.method == "POST":
        try:
            door.accept_as_user(secret=secret, user=user)
        except InvitationGone:
            raise
        except DomainError as error:
            context["refusal"] = describe(error)
            return render(
                request, "merchant/staff/invitation.html", context, status=context["refusal"].status
            )
        return redirect("home")
    return render(request, "merchant/staff/invitation.html", context)


def _ask_to_sign_in(request: HttpRequest, invitation: Any, door: Door) -> HttpResponse:
    url = f"{reverse('account_login')}?{urlencode({'next': request.path})}"
    context = _about(invitation, door) | {"sign_in_url": url}
    return render(request, "merchant/staff/invitation.html", context)


def _as_newcomer(request: HttpRequest, invitation: Any, secret: str, door: Door) -> HttpResponse:
    form = NewAccountForm(request.POST or None, initial={"name": invitation.name})
    if request.method == "POST" and form.is_valid():
        membership = door.accept_as_new_user(
            secret=secret, name=form.cleaned_data["name"], password=form.cleaned_data["password"]
        )
        login(request, membership.user)
        return redirect("home")
    context = _about(invitation, door) | {"form": form}
    return render(request, "merchant/staff/invitation.html", context, status=422 if form.errors else 200)


def _about(invitation: Any, door: Door) -> dict[str, Any]:
    return {"invitation": invitation, "house": door.house(invitation)}
