"""Targeting criteria as a JSON Schema (draft 2020-12), for API documents and for editors.

It agrees with `criteria.parse` in both directions but for what a schema can't say, which `parse` refuses alone: limits
on depth and on the number of groups, contradictions between two keys, and lone surrogates.
"""

from __future__ import annotations

from tulia.audience import criteria_tree as tree
from tulia.audience.countries import COUNTRY_CODES

# Ends are written (?![\s\S]) because Python's $ also stands before a last newline, and \Z is no ECMAScript.
_NO_NUL = r"^[^\u0000]*(?![\s\S])"
_TRIMMED = r"^[^\s\u0000](?:[^\u0000]*[^\s\u0000])?(?![\s\S])"
_LANGUAGE = r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}(?![\s\S])"
_UUID = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\s\S])"

_JsonObject = dict[str, object]


def _list_of(items: _JsonObject, description: str) -> _JsonObject:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": tree.MAX_VALUES, "description": description}


def _whole(least: int, most: int, description: str) -> _JsonObject:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def _object(properties: _JsonObject, description: str) -> _JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "description": description,
    }


_TAG: _JsonObject = {"type": "string", "maxLength": tree.MAX_TAG_LENGTH, "pattern": _TRIMMED}
_TEXT: _JsonObject = {"type": "string", "maxLength": tree.MAX_TEXT_LENGTH, "pattern": _NO_NUL}
_NUMBER: _JsonObject = {"type": "number", "minimum": -tree.MAX_NUMBER, "maximum": tree.MAX_NUMBER}
_SCALAR: _JsonObject = {"$ref": "#/$defs/scalar"}
_GROUP: _JsonObject = {"$ref": "#/$defs/group"}
_ORDERED: _JsonObject = {"anyOf": [_TEXT, _NUMBER]}

_COMPARISONS = _object(
    {
        "eq": _SCALAR,
        "ne": _SCALAR,
        "gt": _ORDERED,
        "gte": _ORDERED,
        "lt": _ORDERED,
        "lte": _ORDERED,
        "in": _list_of(_SCALAR, "Equal to any of these."),
        "exists": {"type": "boolean", "description": "Present and not null, or the opposite."},
        "contains": {
            "allOf": [_SCALAR, {"not": {"const": ""}}],
            "description": "A piece of a text, or a list element.",
        },
    },
    "All of these must hold. All but exists need the attribute to be present; nothing is converted.",
)

_PURCHASES = _object(
    {
        "ordered_in_last_days": _whole(1, tree.MAX_DAYS, "At least one order in the last N times 24 hours."),
        "not_ordered_in_last_days": _whole(1, tree.MAX_DAYS, "No order in the last N times 24 hours, or ever."),
        "min_order_count": _whole(0, tree.MAX_COUNT, "At least N orders, over all time."),
        "max_order_count": _whole(0, tree.MAX_COUNT, "At most N orders, over all time."),
        "min_total_spent": {
            "type": "number",
            "minimum": 0,
            "maximum": tree.MAX_SPENT,
            "description": "Sum of all orders, over all time, in units of the currency.",
        },
    },
    "Orders that are paid, fulfilled or completed. Each condition stands for itself.",
)

_ACTIVITY = _object(
    {
        "active_in_last_days": _whole(1, tree.MAX_DAYS, "Last activity in the last N times 24 hours."),
        "status": _list_of({"enum": list(tree.CONVERSATION_STATUSES)}, "Present status is any of these."),
    },
    "One conversation satisfies all that is given.",
)

_CONDITIONS: _JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "tags": _list_of(_TAG, "Has any of these tags (exact, upper and lower case differ)."),
        "tags_all": _list_of(_TAG, "Has every one of these tags."),
        "tags_none": _list_of(_TAG, "Has none of these tags."),
        "purchase_history": _PURCHASES,
        "conversation_activity": _ACTIVITY,
        "attributes": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"maxLength": tree.MAX_NAME_LENGTH, "pattern": _TRIMMED},
            "additionalProperties": {"anyOf": [_SCALAR, _COMPARISONS]},
            "description": "Comparisons by attribute name; a bare value means eq.",
        },
        "countries": _list_of({"enum": sorted(COUNTRY_CODES)}, "Lives in any of these (ISO 3166 alpha-2, upper case)."),
        "languages": _list_of(
            {"type": "string", "pattern": _LANGUAGE}, "Speaks any of these; pt also takes pt-BR (RFC 4647)."
        ),
        "exclude_campaigns": _list_of({"type": "string", "pattern": _UUID}, "In the audience of none of these."),
        "any_of": _list_of(_GROUP, "At least one of these groups holds."),
        "all_of": _list_of(_GROUP, "Every one of these groups holds."),
        "not": {"allOf": [_GROUP], "description": "This group does not hold."},
    },
}

JSON_SCHEMA: _JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Target criteria",
    "description": "Which customers a campaign is for. All keys of one object must hold; {} means every customer.",
    "$ref": "#/$defs/conditions",
    "$defs": {
        "conditions": _CONDITIONS,
        "group": {"$ref": "#/$defs/conditions", "minProperties": 1},
        "scalar": {"anyOf": [_TEXT, _NUMBER, {"type": "boolean"}]},
    },
}
"""Read-only; copy it before changing anything in it."""
