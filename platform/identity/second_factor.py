"""When this session's user last showed his second factor, and where he is asked for it again (allauth's own page)."""

from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode


def second_factor_shown_at(request: HttpRequest) -> datetime | None:
    """At sign-in or when he was asked again; None where he signed in by password alone."""
    shown = [
        record["at"]
        for record in get_authentication_records(request, request.user)  # type: ignore[no-untyped-call]
        if record.get("method") == "mfa"
    ]
    return datetime.fromtimestamp(max(shown), tz=UTC) if shown else None


def ask_for_second_factor(*, then: str) -> HttpResponse:
    """To the page that asks for a code, and from there to `then`."""
    return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': then})}")
