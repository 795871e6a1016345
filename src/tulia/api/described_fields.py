"""How our fields and shapes are described in OpenAPI: with all that they refuse, so that a client can know before."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension

from tulia.api import fields

_ANY_TEXT = r"^[^\u0000]*$"
# What Python takes for white space is a little more than what the standard of patterns does.
_SOME_TEXT = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"


class ShapeDescription(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """A shape has the fields it names and no others."""

    target_class = fields.Shape
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        found: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        if not type(self.target).__doc__:
            found.pop("description", None)  # it would be that of fields.Shape
        return found | {"additionalProperties": False}


class TextDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.Text
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        field: fields.Text = self.target
        if field.described is not None:
            return {"type": "string", **field.described}
        if field.allow_blank:
            return {"type": "string", "pattern": _ANY_TEXT}
        return {"type": "string", "minLength": 1, "pattern": _SOME_TEXT if field.trim_whitespace else _ANY_TEXT}


class ChoiceDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.Choice
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        nothing = [None] if self.target.allow_null else []
        return {"type": "string", "enum": [*self.target.choices, *nothing]}


class InstantDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.Instant
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "string", **fields.INSTANT}
