"""The OpenAPI schema: every operation also names the errors it can answer with, all of one shape."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework import serializers


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable; decide by this.")
    detail = serializers.CharField(help_text="A sentence in the reader's language.")
    attr = serializers.CharField(allow_null=True, help_text="The field at fault, if one is.")
    next_step = serializers.CharField(allow_blank=True, help_text="What to do now.")
    facts = serializers.DictField(help_text="The values the sentence was filled with.")


class ErrorsSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorSerializer(many=True)


class Schema(AutoSchema):
    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> Any:
        responses = super()._get_response_bodies(*args, **kwargs)
        for code in self._error_codes():
            responses.setdefault(code, self._get_response_for_code(ErrorsSerializer, code))
        return dict(sorted(responses.items()))

    def _error_codes(self) -> list[str]:
        codes = {"404", "405", "406", "429", "500", "503"}
        if self.method in {"POST", "PUT", "PATCH"}:
            codes |= {"400", "409", "413", "415", "422"}
        if self.method == "GET":
            codes.add("400")
        codes |= {"401", "403"}
        return sorted(codes)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "identity.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106
