"""Which form an answer takes: there is only JSON."""

from collections.abc import Sequence
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

ANYTHING = {"", "*/*", "application/json", "application/json, text/plain, */*"}


class OnlyJson(DefaultContentNegotiation):
    """What nearly every client says is answered without taking it apart; anything else is judged by DRF."""

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: Any = None
    ) -> tuple[BaseRenderer, str]:
        if len(renderers) == 1 and request.META.get("HTTP_ACCEPT", "") in ANYTHING:
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)
