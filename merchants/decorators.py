"""The door of every merchant page: sign-in, grant, tenant scope."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from core.errors import NotFound
from identity.enums import Role, Scope
from identity.models import User
from merchants.access import EVERY_ROLE, MerchantAccess, access_merchant
from merchants.models import Merchant

View = Callable[..., HttpResponseBase]


class MerchantRequest(HttpRequest):
    """A request inside a merchant's door: what the door and the middleware before it set."""

    user: User
    access: MerchantAccess
    merchant: Merchant
    merchant_role: Role | None
    htmx: HtmxDetails


def merchant_page(*roles: Role, by: Scope | None = None) -> Callable[[View], View]:
    """Open a page under /m/<slug>/ to these roles (none named: every role), and to who serves the merchant with this scope.

    What is done there in the name of a party that serves it is recorded so. Sets request.access, request.merchant and request.merchant_role; the view runs inside the merchant's scope and
    time zone, and so does the rendering of a lazy response. Anyone else gets 404. NotFound from access.py is 404 too.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def inside(request: Any, slug: str, **kwargs: Any) -> HttpResponseBase:
            try:
                request.access = access_merchant(
                    user=request.user, slug=slug, roles=roles or EVERY_ROLE, scopes=[by] if by else ()
                )
                request.merchant = request.access.merchant
                request.merchant_role = request.access.role
                with request.access.inside(), timezone.override(request.merchant.tzinfo):
                    response = view(request, **kwargs)
                    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                        response.render()
                    return response
            except NotFound as error:
                raise Http404 from error

        inside.merchant_roles = roles or tuple(EVERY_ROLE)  # type: ignore[attr-defined]
        inside.merchant_scope = by  # type: ignore[attr-defined]
        return inside

    return decorate
