"""Moments in the zone of the merchant they belong to."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import show_moment


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.Field[Any, Any, str, Any]):
    """RFC 3339 with the offset of the row's merchant."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> tuple[datetime, Any] | None:
        value = super().get_attribute(instance)
        return None if value is None else (value, instance.merchant.tzinfo)

    def to_representation(self, value: tuple[datetime, Any]) -> str:
        return show_moment(*value) or ""


@extend_schema_field({"type": "string", "format": "date-time", "nullable": True})
class MaybeMomentField(MomentField):
    """The same for what may not have happened yet."""
