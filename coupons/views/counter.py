"""Which counter a request stands at: the user's grant at a merchant, the store chosen on this device, the device.

The store is chosen once per device and kept in a signed cookie; the grant is asked again with every request.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils import timezone
from django_scopes import scope

from core.errors import NotFound
from identity.sessions import belongs_to, find_user_id
from merchants.access import MerchantAccess
from merchants.counter_access import access_counter
from merchants.models import Store

STORE_COOKIE = "counter_store"
DEVICE_COOKIE = "counter_device"
COOKIE_PATH = "/clerk/"
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Counter:
    """Where a code is checked, and by whom. `device` is 32 hex digits, random, the same for a year."""

    access: MerchantAccess
    store: Store
    device: str
    is_new_device: bool


def counter_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Open a page to staff whose device has a store: view(request, counter) runs in the merchant's scope and zone.

    Costs two prepared statements: the session, then user, grant, merchant and store. Nobody signed in is sent to sign in, a
    device without a valid store to the choice of one (htmx is told by header, so that no page lands inside a page).
    """

    @wraps(view)
    def inside(request: Any) -> HttpResponseBase:
        counter = find_counter(request)
        if counter is None and not request.user.is_authenticated:
            return send_to(
                request, f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': reverse('clerk')})}"
            )
        if counter is None:
            return send_to(request, reverse("clerk_store"))
        return enter(request, counter, view)

    return inside


def find_counter(request: HttpRequest) -> Counter | None:
    """The counter this device remembers, where somebody is signed in whose grant covers it.

    A closed store counts (it refuses).
    """
    slug, _, store_id = (request.get_signed_cookie(STORE_COOKIE, default="") or "").rpartition(":")
    user_id = find_user_id(request.session)
    if not slug or not store_id.isdecimal() or user_id is None:
        return None
    try:
        access, store = access_counter(user_id=user_id, slug=slug, store_id=int(store_id))
    except NotFound:
        return None
    if belongs_to(request.session, access.user):
        request.user = access.user  # need not be asked for once more
    elif not request.user.is_authenticated:
        return None
    return stand_at(request, access=access, store=store)


def stand_at(request: HttpRequest, *, access: MerchantAccess, store: Store) -> Counter:
    """The counter of this device, which gets an id if it has none; a forged one is a new device."""
    device = request.get_signed_cookie(DEVICE_COOKIE, default="") or ""
    return Counter(access=access, store=store, device=device or uuid.uuid4().hex, is_new_device=not device)


def enter(request: Any, counter: Counter, view: Callable[..., HttpResponse]) -> HttpResponse:
    """Run the view at this counter and let the device remember it."""
    request.access = counter.access
    request.merchant = counter.access.merchant
    request.merchant_role = counter.access.role
    with scope(merchant=request.merchant.pk), timezone.override(request.merchant.tzinfo):
        response = view(request, counter)
    if counter.is_new_device:
        _set_cookie(response, DEVICE_COOKIE, counter.device)
    return response


def remember_store(response: HttpResponse, *, access: MerchantAccess, store: Store) -> None:
    """Let the device keep its store for a year."""
    _set_cookie(response, STORE_COOKIE, f"{access.merchant.slug}:{store.pk}")


def send_to(request: Any, url: str) -> HttpResponse:
    """A redirect that htmx follows as a whole page."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _set_cookie(response: HttpResponse, name: str, value: str) -> None:
    response.set_signed_cookie(
        name,
        value,
        max_age=YEAR,
        path=COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
