"""Fields that take the JSON type they name and no other, and shapes that know all their fields."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import dateparse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

INSTANT = {"format": "date-time", "pattern": r"^(?:19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-"}
"""An RFC 3339 instant of the years that we take."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Shape(serializers.Serializer[Any]):
    """A serializer that refuses an unknown field, naming it: a misspelt field must never be silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = {str(name): ["unknown field"] for name in data if name not in known}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A JSON string; numbers and booleans are refused, not converted.

    `described` is what OpenAPI says of it, for texts that are checked further in; it does no checking itself.
    """

    def __init__(self, *, described: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.described = described

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a text")
        if self.max_length is not None and len(data) > self.max_length:  # with the spaces that are taken off
            raise serializers.ValidationError(f"must have at most {self.max_length} characters; it has {len(data)}")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of a few texts."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"must be one of {', '.join(map(str, self.choices))}")
        return data


class Id(serializers.UUIDField):
    """A UUID written in hexadecimal digits and hyphens."""

    def to_internal_value(self, data: object) -> UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            raise serializers.ValidationError("must be an id (a UUID)")
        return UUID(data)


class Flag(serializers.BooleanField):
    """true or false, and nothing that resembles them."""

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


class Whole(serializers.IntegerField):
    """A JSON integer."""

    def to_internal_value(self, data: object) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("must be a whole number")
        return data


class Number(serializers.FloatField):
    """A JSON number, finite."""

    def to_internal_value(self, data: object) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            raise serializers.ValidationError("must be a number")
        return float(data)


class Instant(serializers.DateTimeField):
    """RFC 3339 with its offset: an instant without one could mean any of 38 hours."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            found = dateparse.parse_datetime(value) if isinstance(value, str) and len(value) <= 40 else None
        except ValueError:
            found = None
        if found is None or found.tzinfo is None or not 1970 <= found.year < 9999:
            raise serializers.ValidationError("must be an instant with its offset, like 2026-05-04T09:30:00Z")
        return found


class Strings(serializers.ListField):
    """A JSON list of texts."""

    child = Text()


@extend_schema_field({"$ref": "#/components/schemas/TargetCriteria"})
class Criteria(serializers.JSONField):
    """Target criteria, which `audience.criteria` reads."""


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_QUIET_HOURS = {
    "type": "object",
    "required": ["start", "end"],
    "properties": {"start": {"type": "string", "pattern": CLOCK}, "end": {"type": "string", "pattern": CLOCK}},
    "additionalProperties": False,
}


@extend_schema_field({"oneOf": [{"const": "tenant"}, {"type": "null"}, _QUIET_HOURS]})
class QuietHoursRule(serializers.JSONField):
    """Quiet hours of a campaign's own, none, or the tenant's."""


_WORD = {
    "type": "string",
    "minLength": 1,
    "maxLength": 100,
    "pattern": r"^[^\s\u0000-\u001f\u0080-\u009f]([^\u0000]*[^\s\u0000-\u001f\u0080-\u009f])?$",
}
_BY_ATTRIBUTE = {
    "type": "object",
    "required": ["attribute"],
    "properties": {"attribute": _WORD, "holdout": {"oneOf": [_WORD, {"type": "null"}]}},
    "additionalProperties": False,
}


@extend_schema_field({"oneOf": [{"const": "random"}, _BY_ATTRIBUTE]})
class Assignment(serializers.JSONField):
    """Who gets which variant: by lot, or as an attribute says."""


@extend_schema_field(OpenApiTypes.OBJECT)
class Members(serializers.JSONField):
    """A JSON object whose members are read elsewhere."""

    def to_internal_value(self, data: object) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object")
        return data
