"""The door of every provider page: sign-in, grant, in whose name."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase

from core.errors import NotFound
from identity.domain.audit import acting_for
from identity.enums import Role
from identity.models import User
from providers.access import PROVIDER_ROLES, ProviderAccess, access_provider
from providers.models import Provider

View = Callable[..., HttpResponseBase]


class ProviderRequest(HttpRequest):
    """A request inside a provider's door."""

    user: User
    provider_access: ProviderAccess
    provider: Provider


def provider_page(*roles: Role) -> Callable[[View], View]:
    """Open a page under /p/<provider>/ to these roles there (none named: every role); anybody else gets 404.

    What is recorded inside was done in the provider's name. Sets request.provider_access and request.provider.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def inside(request: Any, provider_id: int, **kwargs: Any) -> HttpResponseBase:
            try:
                request.provider_access = access_provider(
                    user=request.user, provider_id=provider_id, roles=roles or PROVIDER_ROLES
                )
                request.provider = request.provider_access.provider
                with acting_for(provider_id):
                    return view(request, **kwargs)
            except NotFound as error:
                raise Http404 from error

        inside.provider_roles = roles or tuple(PROVIDER_ROLES)  # type: ignore[attr-defined]
        return inside

    return decorate
