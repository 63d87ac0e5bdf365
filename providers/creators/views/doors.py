"""The door of a creator's pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase

from core.errors import NotFound
from identity.models import User
from providers.creators.access import access_creator
from providers.creators.models import Creator

View = Callable[..., HttpResponseBase]


class CreatorRequest(HttpRequest):
    """A request inside a creator's door."""

    user: User
    creator: Creator


def creator_page(view: View) -> View:
    """Open a page under /c/ to whoever is a creator, as request.creator; anyone else gets 404."""

    @login_required
    @wraps(view)
    def inside(request: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            request.creator = access_creator(user=request.user)
            return view(request, **kwargs)
        except NotFound as error:
            raise Http404 from error

    return inside
