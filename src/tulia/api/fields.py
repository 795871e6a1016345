"""Fields that take the JSON type they name and no other, and shapes that know all their fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import dateparse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


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
    """A JSON string; numbers and booleans are refused, not converted."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a text")
        return super().to_internal_value(data)


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


@extend_schema_field(OpenApiTypes.OBJECT)
class Members(serializers.JSONField):
    """A JSON object whose members are read elsewhere."""

    def to_internal_value(self, data: object) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object")
        return data
