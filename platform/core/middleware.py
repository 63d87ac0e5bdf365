"""Response headers by path, and the language an account chose."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django_scopes import scopes_disabled

GetResponse = Callable[[HttpRequest], HttpResponse]

# What a corner of the site needs on top of settings.CONTENT_SECURITY_POLICY.
CSP_BY_PATH: dict[str, dict[str, list[str]]] = {
    "/clerk/": {"script-src": ["'wasm-unsafe-eval'"]},  # the QR reader is WebAssembly
    "/ops/": {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]},  # Unfold's Alpine.js
    "/api/docs/": {"style-src": ["'unsafe-inline'"]},  # Swagger UI
}


class PolicyMiddleware:
    """Sends settings.CONTENT_SECURITY_POLICY, widened where CSP_BY_PATH says so, and Permissions-Policy everywhere.

    The texts depend on nothing but the path, so they are built once: django-csp's own middleware builds two for every
    answer, which is dearer than rendering a small page (docs/performance/redeem.md).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.policy = build_policy()
        self.policies = {prefix: build_policy(update=additions) for prefix, additions in CSP_BY_PATH.items()}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not (settings.DEBUG and response.status_code in (404, 500)):  # Django's own pages for developers
            policy = next(
                (text for prefix, text in self.policies.items() if request.path.startswith(prefix)),
                self.policy,
            )
            response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
        return response


class LanguageMiddleware:
    """The reader's language: of the cookie, else of the browser. Django's LocaleMiddleware for addresses without a language.

    That one looks for languages in every address four times, for nothing where there are none.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
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
        if response.status_code == 302 and request.headers.get("HX-Request") == "true":
            sign_in = resolve_url(settings.LOGIN_URL)
            if response.headers["Location"].split("?")[0] == sign_in:
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
