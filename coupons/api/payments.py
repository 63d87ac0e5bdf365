"""What payment providers tell us: signed, unordered, often more than once."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.parsers import MAX_BYTES, BodyTooLarge
from core.errors import NotFound
from coupons.domain.payments import receive_notification
from coupons.payment_providers import get_provider


class OutcomeSerializer(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=["paid", "late", "double", "failed", "stale", "duplicate"])


class RawParser(BaseParser):
    """The signature is over the bytes as they came, whatever they call themselves."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> bytes:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise BodyTooLarge
        return body


class NotificationView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (RawParser,)

    @extend_schema(
        operation_id="notify_payment",
        request={"application/json": OpenApiTypes.OBJECT},
        responses=OutcomeSerializer,
        auth=[],
        tags=["payments"],
    )
    def post(self, request: Request, provider: str) -> Response:
        """A provider's signed notification; 200 also for one that came before, so that it stops sending."""
        try:
            get_provider(provider)
        except KeyError as error:
            raise NotFound from error
        body = request.data if isinstance(request.data, bytes) else b""  # type: ignore[unreachable]
        return Response(
            {"outcome": receive_notification(provider=provider, headers=request.headers, body=body)}
        )
