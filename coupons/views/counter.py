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

from identity.sessions import SessionStore, belongs_to
from merchants.access import MerchantAccess
from merchants.counter_access import find_by_session
from merchants.models import Store

STORE_COOKIE = "counter_store"
DEVICE_COOKIE = "counter_device"
COOKIE_PATH = "/clerk/"
# What never_cache sends, less Expires: it puts the text together anew for every answer.
NEVER_KEPT = "max-age=0, no-cache, no-store, must-revalidate, private"
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

    Costs one prepared statement: session, user, grant, merchant and store. Nobody signed in is sent to sign in, a device
    without a valid store to the choice of one (htmx is told by header, so that no page lands inside a page). Nothing of it may be kept by a cache.
    """

    @wraps(view)
    def inside(request: Any) -> HttpResponseBase:
        counter = find_counter(request)
        if counter is not None:
            response = enter(request, counter, view)
        elif request.user.is_authenticated:
            response = send_to(request, reverse("clerk_store"))
        else:
            sign_in = resolve_url(settings.LOGIN_URL)
            response = send_to(request, f"{sign_in}?{urlencode({'next': reverse('clerk')})}")
        response.headers["Cache-Control"] = NEVER_KEPT
        return response

    return inside


def find_counter(request: HttpRequest) -> Counter | None:
    """The counter this device remembers, where somebody is signed in whose grant covers it.

    A closed store counts (it refuses).
    """
    slug, store_id, device = _read_store_cookie(request)
    session: SessionStore = request.session  # type: ignore[assignment]
    if not slug or not store_id.isdecimal() or not session.session_key:
        return None
    found = find_by_session(session_key=session.session_key, slug=slug, store_id=int(store_id))
    if found is None:
        return None
    session.adopt(found.session_data)
    if belongs_to(session, found.user):
        request.user = found.user  # need not be asked for once more
    elif request.user != found.user:
        return None
    if found.place is None:
        return None
    access, store = found.place
    return stand_at(request, access=access, store=store, device=device)


def stand_at(request: HttpRequest, *, access: MerchantAccess, store: Store, device: str = "") -> Counter:
    """The counter of this device, which gets an id if it has none; a forged one is a new device."""
    device = device or find_device(request)
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


def remember_store(response: HttpResponse, *, access: MerchantAccess, store: Store, device: str = "") -> None:
    """Let the device keep its store for a year, its own id beside it: one signature is checked instead of two."""
    _set_cookie(response, STORE_COOKIE, f"{access.merchant.slug}:{store.pk}:{device}")


def find_device(request: HttpRequest) -> str:
    """The id of this device; "" where it has none."""
    *_, device = _read_store_cookie(request)
    return device or request.get_signed_cookie(DEVICE_COOKIE, default="") or ""


def _read_store_cookie(request: HttpRequest) -> tuple[str, str, str]:
    """Slug, store and device; "" for what it does not say, everything where it is missing or forged."""
    slug, _, rest = (request.get_signed_cookie(STORE_COOKIE, default="") or "").partition(":")
    store_id, _, device = rest.partition(":")
    return slug, store_id, device


def asks_for_part(request: HttpRequest) -> bool:
    """As request.htmx says, without making a mapping of all headers first."""
    return request.META.get("HTTP_HX_REQUEST") == "true"


def send_to(request: Any, url: str) -> HttpResponse:
    """A redirect that htmx follows as a whole page."""
    if asks_for_part(request):
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
