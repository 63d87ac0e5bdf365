"""Response headers by path, and the language an account chose."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import translation
from django_scopes import scopes_disabled

GetResponse = Callable[[HttpRequest], HttpResponse]

# What a corner of the site needs on top of settings.CONTENT_SECURITY_POLICY.
CSP_BY_PATH: dict[str, dict[str, list[str]]] = {
    "/clerk/": {"script-src": ["'wasm-unsafe-eval'"]},  # the QR reader is WebAssembly
    "/ops/": {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]},  # Unfold's Alpine.js
    "/api/docs/": {"style-src": ["'unsafe-inline'"]},  # Swagger UI
}


class PathPolicyMiddleware:
    """Widens the content security policy where CSP_BY_PATH says so and sends Permissions-Policy everywhere.

    Stands after csp.middleware.CSPMiddleware in MIDDLEWARE, so that its answer passes here first.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for prefix, additions in CSP_BY_PATH.items():
            if request.path.startswith(prefix):
                setattr(response, "_csp_update", additions)  # noqa: B010 - django-csp reads it; no typed way
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
        return response


class AccountLanguageMiddleware:
    """Someone signed in without a language cookie (a new device) reads the language of their account.

    Stands after AuthenticationMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cookies = request.COOKIES
        if settings.SESSION_COOKIE_NAME in cookies and settings.LANGUAGE_COOKIE_NAME not in cookies:
            language = getattr(request.user, "language", "")
            if language and language in dict(settings.LANGUAGES):
                translation.activate(language)
                request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class SignInAgainMiddleware:
    """A part of a page asked for after the session ended leads the whole page to sign-in and back.

    Without it htmx would follow the redirect and put the sign-in page into the corner it was filling.
    Stands after django_htmx.middleware.HtmxMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        sign_in = resolve_url(settings.LOGIN_URL)
        if response.status_code == 302 and request.headers.get("HX-Request") == "true":
            target = response.headers["Location"]
            if target.split("?")[0] == sign_in:
                page = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
                return HttpResponse(
                    status=204, headers={"HX-Redirect": f"{sign_in}?{urlencode({'next': page})}"}
                )
        return response


class OperatorScopeMiddleware:
    """The operator's site looks across merchants: below /ops/ no tenant scope is asked for.

    Who may open it is the site's own question (is_staff); templates are rendered in here too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/ops/"):
            return self.get_response(request)
        with scopes_disabled():
            return self.get_response(request)
