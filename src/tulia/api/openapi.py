"""The description of the API: OpenAPI 3.1 made from the code, and a page that people can read."""

from __future__ import annotations

import functools
import re
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

from tulia.api import described_fields as described_fields  # drf-spectacular finds what is imported
from tulia.api import renderers
from tulia.audience import criteria_schema
from tulia.core import keyset

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable, for programs."},
                "message": {"type": "string", "description": "For people."},
                "details": {"type": "object", "description": "What is wrong, by field.", "additionalProperties": True},
            },
        }
    },
}
_FAILURES = {
    "400": "What was sent is not understood or not allowed.",
    "401": "No API key, or one that is not valid.",
    "403": "The key lacks the permission, or the plan the room.",
    "404": "No such thing (or another tenant's).",
    "409": "Right in itself, but not in the present state.",
    "413": "The body is too large.",
    "415": "The body is not of the type expected.",
    "429": "Too many requests: wait as long as Retry-After says.",
    "503": "The database doesn't answer just now.",
}


_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "description": "Makes the request safe to repeat for 24 hours.",
}
_PAGE = [
    {
        "in": "query",
        "name": "limit",
        "schema": {"type": "integer", "minimum": 1, "maximum": keyset.MAX_LIMIT, "default": keyset.DEFAULT_LIMIT},
        "description": "How many at most.",
    },
    {
        "in": "query",
        "name": "cursor",
        "schema": {"type": "string", "maxLength": 600, "pattern": "^[A-Za-z0-9_-]+$"},
        "description": "Where to go on: part of `next` and `previous`, to be taken as they are.",
    },
]


_BLANK = {"type": "string", "maxLength": 0}
_HEADERS = {
    "401": {"headers": {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}},
    "429": {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}},
    "503": {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}},
}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "tulia.api.auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def declare_failures(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """drf-spectacular hook: every operation says which failures it answers with."""
    shapes = result["components"].setdefault("schemas", {})
    shapes |= {"Error": _ERROR, **_criteria()}
    _strip(shapes)
    _strip(result["paths"])
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            statuses = {"400", "401", "403", "429", "503"}
            statuses |= {"404"} if "{" in path or method != "get" else set()  # a body may name things too
            statuses |= {"409"} if method != "get" else set()
            statuses |= {"413", "415"} if "requestBody" in operation or method in ("post", "put", "patch") else set()
            for status in sorted(statuses):
                failure = {"description": _FAILURES[status], "content": content} | _HEADERS.get(status, {})
                operation["responses"].setdefault(status, failure)
            if method == "post":
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
            if _is_page(operation):
                operation.setdefault("parameters", []).extend(_PAGE)
    return result


def _criteria() -> dict[str, Any]:
    """The JSON Schema of target criteria as components, so that its parts are found by reference."""
    text = orjson.dumps(criteria_schema.JSON_SCHEMA).decode()
    schema: dict[str, Any] = orjson.loads(text.replace("#/$defs/", "#/components/schemas/TargetCriteria."))
    parts = {f"TargetCriteria.{name}": part for name, part in schema.pop("$defs").items()}
    schema.pop("$schema")
    return {"TargetCriteria": schema, **parts}


def _strip(part: Any) -> None:
    """Takes out drf-spectacular's own notes and additions."""
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
        if part.get("oneOf", [])[1:] == [_BLANK]:  # of a text that may be blank; that our patterns say already
            text = part.pop("oneOf")[0]
            part |= text
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _strip(inner)


def _is_page(operation: dict[str, Any]) -> bool:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return "/PageOf" in content.get("schema", {}).get("$ref", "")


@functools.cache
def description() -> dict[str, Any]:
    """The whole description; it can't change while the process runs."""
    from tulia.api import urls

    patterns = [pattern for pattern in urls.urlpatterns if getattr(pattern, "name", None) not in ("openapi", "docs")]
    generator = SchemaGenerator(patterns=patterns, urlconf="tulia.config.urls")  # type: ignore[no-untyped-call]
    found: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found["paths"] = {f"/v1{path}" if not path.startswith("/v1") else path: o for path, o in found["paths"].items()}
    return found


def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(renderers.dump(description()), content_type="application/json")


def docs(request: HttpRequest) -> HttpResponse:
    """Every operation with its parameters, fields and answers, on one page that loads nothing from elsewhere."""
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "anchor": re.sub(r"\W+", "-", f"{method}{path}").strip("-"),
            "summary": operation.get("summary") or operation.get("description", ""),
            "parameters": [p for p in operation.get("parameters", []) if p["in"] != "header"],
            "fields": _fields(operation.get("requestBody")),
            "answers": {status: answer.get("description", "") for status, answer in operation["responses"].items()},
        }
        for path, operations in sorted(description()["paths"].items())
        for method, operation in operations.items()
    ]
    return render(request, "api/docs.html", {"operations": operations})


def _fields(body: dict[str, Any] | None) -> list[dict[str, Any]]:
    schema = ((body or {}).get("content", {}).get("application/json", {})).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    shape = description()["components"].get("schemas", {}).get(name, schema)
    required = set(shape.get("required", ()))
    return [
        {
            "name": field,
            "type": _type(about),
            "is_required": field in required,
            "description": about.get("description", ""),
        }
        for field, about in shape.get("properties", {}).items()
    ]


def _type(about: dict[str, Any]) -> str:
    kind = about.get("type") or about.get("$ref", "").rpartition("/")[2] or "any"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
