"""Reading a request's JSON, strictly: what cannot be stored or would cost too much is refused with a name."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.parsers import JSONParser

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8


class BodyTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class StrictJSONParser(JSONParser):
    """One JSON object in UTF-8: at most MAX_BYTES, MAX_DEPTH levels, no NUL and no half characters in texts."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise BodyTooLarge(_("The request is larger than %(limit)s bytes.") % {"limit": MAX_BYTES})
        try:
            data = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(_("The request is not valid JSON.")) from error
        if not isinstance(data, dict):
            raise exceptions.ParseError(_("The request must be a JSON object."))
        _check_storable(data, depth=1)
        return data


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _check_storable(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise exceptions.ParseError(_("The JSON is nested too deeply."))
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise exceptions.ParseError(_("A text holds a character that cannot be stored."))
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_storable(key, depth=depth)
            _check_storable(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_storable(item, depth=depth + 1)
