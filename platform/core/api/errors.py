"""Every error of /api/ has one shape: {"type", "errors": [{"code", "detail", "attr", "next_step", "facts"}]}.

`code` is stable, `detail` and `next_step` are sentences in the reader's language, `attr` names the field at fault and
`facts` are the values the sentence was filled with. Refusals of the domain come through core.refusals.
"""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import exceptions, status

from core.errors import DomainError
from core.postgresql.away import RETRY_AFTER_SECONDS, is_database_away
from core.refusals import describe

NEXT_STEPS: dict[str, str | Promise] = {
    "not_authenticated": gettext_lazy("Sign in and send the token: Authorization: Token …"),
    "authentication_failed": gettext_lazy("Sign in again to get a new token."),
    "permission_denied": gettext_lazy("Use an account that may do this."),
    "not_found": gettext_lazy("Check the link or the number."),
    "method_not_allowed": gettext_lazy("Use a method named in the header Allow."),
    "not_acceptable": gettext_lazy("Accept application/json."),
    "unsupported_media_type": gettext_lazy("Send application/json."),
    "throttled": gettext_lazy("Wait as long as the header Retry-After says, then try again."),
    "parse_error": gettext_lazy("Send one JSON object in UTF-8."),
    "error": gettext_lazy("Try again later. Nothing was changed."),
    "unavailable": gettext_lazy(
        "Wait as long as the header Retry-After says, then send the very same again, with the same Idempotency-Key: nothing is done twice."
    ),
}


class Refused(exceptions.APIException):
    """A domain refusal on its way out; times in its sentence are shown in the view's `zone`."""

    def __init__(self, error: DomainError, *, zone: Any = None) -> None:
        described = describe(error, zone=zone)
        self.status_code = described.status
        self.next_step = described.next_step
        self.facts = error.facts
        if isinstance(error.facts.get("seconds"), int):
            self.wait = error.facts["seconds"]
        super().__init__(detail=described.title, code=described.code)


class Unavailable(exceptions.APIException):
    """The database is away. Whether the last statement arrived is known when it is back: keys make asking again safe."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = gettext_lazy("The shop is out of reach for a moment.")
    wait = RETRY_AFTER_SECONDS


class Handler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, DomainError):
            return Refused(exc, zone=getattr(self.context.get("view"), "zone", None))
        if isinstance(exc, SuspiciousOperation | UnreadablePostError):
            return exceptions.ParseError(_("The request cannot be read."))
        return super().convert_known_exceptions(exc)

    def convert_unhandled_exceptions(self, exc: Exception) -> exceptions.APIException:
        if is_database_away(exc):
            return Unavailable()
        if not isinstance(exc, exceptions.APIException):
            return exceptions.APIException(detail=_("Something went wrong on our side."))
        return exc


class Formatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> Any:
        facts = getattr(self.exc, "facts", {})
        return {
            "type": str(error_response.type),
            "errors": [
                {
                    "code": error.code,
                    "detail": error.detail,
                    "attr": error.attr or facts.get("field"),
                    "next_step": str(getattr(self.exc, "next_step", None) or self._next_step(error.code)),
                    "facts": facts,
                }
                for error in error_response.errors
            ],
        }

    def _next_step(self, code: str) -> str:
        if isinstance(self.exc, exceptions.ValidationError):
            return _("Correct it and send again.")
        return str(NEXT_STEPS.get(code, NEXT_STEPS["error"] if self.exc.status_code >= 500 else ""))


def error_answer(*, status_code: int, code: str, detail: str) -> JsonResponse:
    """The same shape for what never reaches a view of the API."""
    kind = "server_error" if status.is_server_error(status_code) else "client_error"
    error: dict[str, object] = {
        "code": code,
        "detail": detail,
        "attr": None,
        "next_step": str(NEXT_STEPS.get(code, "")),
        "facts": {},
    }
    return JsonResponse({"type": kind, "errors": [error]}, status=status_code)


@csrf_exempt
def not_found(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Any path of the API that leads nowhere."""
    return error_answer(status_code=404, code="not_found", detail=_("There is no such thing here."))


def bad_request(request: HttpRequest) -> HttpResponse:
    return error_answer(status_code=400, code="parse_error", detail=_("The request cannot be read."))


def unavailable(request: HttpRequest) -> HttpResponse:
    answer = error_answer(status_code=503, code="unavailable", detail=str(Unavailable.default_detail))
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    return error_answer(status_code=500, code="error", detail=_("Something went wrong on our side."))
