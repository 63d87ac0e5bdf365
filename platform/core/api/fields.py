"""Ids, whole numbers and moments as the API reads and shows them."""

import re
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.paths import ID_PATTERN, LARGEST_ID

ID_SCHEMA = {"type": "string", "pattern": f"^{ID_PATTERN}$", "example": "386720581066752"}


@extend_schema_field(ID_SCHEMA)
class IdField(serializers.Field[int, Any, str, Any]):
    """An id: a string of ASCII digits in JSON (JavaScript keeps 53 bits only), an int in Python."""

    default_error_messages = {"invalid": _("An id is a string of at most 19 digits.")}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch(ID_PATTERN, data) or int(data) > LARGEST_ID:
            self.fail("invalid")
        return int(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


class WholeNumber(serializers.IntegerField):
    """A JSON integer and nothing that merely looks like one: no text, no boolean, no 1.0."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


def show_moment(value: datetime | None, zone: Any = None) -> str | None:
    """RFC 3339 with the offset of `zone`: "2026-11-21T18:42:00+08:00"."""
    return None if value is None else timezone.localtime(value, zone).isoformat(timespec="seconds")
