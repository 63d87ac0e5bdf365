"""/api/: each floor's api_urls under v1/, the schema made from them, and an answer in JSON for every other path."""

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import include, path, re_path
from django.views import defaults
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core.api import errors
from core.postgresql.away import RETRY_AFTER_SECONDS, is_database_away

urlpatterns = [
    path("v1/", include("coupons.api_urls")),
    path("v1/", include("identity.api_urls")),
    path("v1/", include("merchants.api_urls")),
    path("v1/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api_schema"), name="api-docs"),
    re_path("", errors.not_found),
]


def page_not_found(request: HttpRequest, exception: Exception, **kwargs: Any) -> HttpResponse:
    """handler404: JSON for the API, a page for people."""
    if request.path.startswith("/api/"):
        return errors.not_found(request)
    return defaults.page_not_found(request, exception, **kwargs)


def bad_request(request: HttpRequest, exception: Exception, **kwargs: Any) -> HttpResponse:
    """handler400: a request that never reached a view."""
    if request.path.startswith("/api/"):
        return errors.bad_request(request)
    return defaults.bad_request(request, exception, **kwargs)


def server_error(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """handler500; 503 while the database is away, wherever on the way that was found."""
    if is_database_away(sys.exc_info()[1]):
        return _unavailable(request)
    if request.path.startswith("/api/"):
        return errors.server_error(request)
    return defaults.server_error(request, **kwargs)


def _unavailable(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return errors.unavailable(request)
    page = loader.get_template("503.html").render({"at_counter": request.path.startswith("/clerk/")})
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
