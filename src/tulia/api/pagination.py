"""Cursors: the place in a list, sealed so that a client can't make one up, valid for one list only."""

from __future__ import annotations

import base64
import functools
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from rest_framework import serializers
from rest_framework.request import Request

from tulia.core import crypto
from tulia.core.errors import Invalid
from tulia.core.keyset import DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest, Position

T = TypeVar("T")
_SEAL_BYTES = 12
_MAX_CURSOR_LENGTH = 600


class CursorInvalid(Invalid):
    code = "cursor_invalid"


@functools.cache
def page_of(shape: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The description of a page of `shape`s."""
    name = f"PageOf{shape.__name__.removesuffix('View').removesuffix('Serializer')}s"
    attributes = {
        "results": shape(many=True),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
    }
    return type(name, (serializers.Serializer,), attributes)


def requested(request: Request) -> PageRequest:
    """The page that `?limit=` and `?cursor=` ask for. Raises Invalid and CursorInvalid."""
    text = request.query_params.get("limit", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_LIMIT):
        raise Invalid(
            f"limit must be a number from 1 to {MAX_LIMIT}.", details={"limit": f"must be from 1 to {MAX_LIMIT}"}
        )
    limit = int(text) if text else DEFAULT_LIMIT
    if "cursor" not in request.query_params:
        return PageRequest(limit)
    position, is_backward = _open(request.query_params["cursor"], purpose=request.path)
    return PageRequest(limit, position, is_backward)


def rendered(request: Request, page: Page[T], shape: Callable[[T], Any] | None) -> dict[str, Any]:
    """`{"results", "next", "previous"}`; the two are addresses that keep every other parameter of the request."""
    return {
        "results": page.results if shape is None else [shape(row) for row in page.results],
        "next": _address(request, page.next, is_backward=False),
        "previous": _address(request, page.previous, is_backward=True),
    }


def _address(request: Request, position: Position | None, *, is_backward: bool) -> str | None:
    if position is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = _seal(position, is_backward=is_backward, purpose=request.path)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _seal(position: Position, *, is_backward: bool, purpose: str) -> str:
    content = orjson.dumps([is_backward, [_tagged(value) for value in position]])
    return base64.urlsafe_b64encode(_mac(content, purpose) + content).decode().rstrip("=")


def _open(cursor: str, *, purpose: str) -> tuple[Position, bool]:
    try:
        if len(cursor) > _MAX_CURSOR_LENGTH:
            raise ValueError
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        seal, content = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, _mac(content, purpose)):
            raise ValueError
        is_backward, values = orjson.loads(content)
        return tuple(_untagged(tag, value) for tag, value in values), is_backward
    except ValueError as error:
        raise CursorInvalid(
            "This cursor is none of this list's: follow `next` and `previous` as they are, or leave it out.",
            details={"cursor": "not valid here"},
        ) from error


def _mac(content: bytes, purpose: str) -> bytes:
    return hmac.digest(crypto.derive("cursors"), purpose.encode() + b"\0" + content, "sha256")[:_SEAL_BYTES]


def _tagged(value: object) -> tuple[str, object]:
    if isinstance(value, datetime):
        return "t", value.isoformat()
    if isinstance(value, UUID):
        return "u", str(value)
    if isinstance(value, int | str) or value is None:
        return "v", value
    raise TypeError(f"a list ordered by {type(value).__name__} needs a tag here")


def _untagged(tag: str, value: Any) -> object:
    if tag == "t":
        return datetime.fromisoformat(value)
    return UUID(value) if tag == "u" else value
