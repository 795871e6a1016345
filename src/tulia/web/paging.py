"""Pages of lists in addresses: `?after=` and `?before=` name the row that a page begins beside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from tulia.core.keyset import Page, PageRequest, Position

ROWS = 25
Shape = Sequence[type[datetime] | type[UUID] | type[int]]


def requested(request: HttpRequest, *, shape: Shape) -> PageRequest:
    """The page that the address asks for; the first one when what it names can't be read."""
    for name, is_backward in (("after", False), ("before", True)):
        if text := request.GET.get(name):
            position = _read(text, shape)
            return PageRequest(ROWS, position, is_backward and position is not None)
    return PageRequest(ROWS)


def links(request: HttpRequest, found: Page[Any]) -> dict[str, str]:
    """Addresses of the neighbouring pages, keeping every filter; empty for none."""
    return {
        "next": _address(request, "after", found.next),
        "previous": _address(request, "before", found.previous),
    }


def _read(text: str, shape: Shape) -> Position | None:
    parts = text.split("~")
    if len(parts) != len(shape):
        return None
    try:
        values = tuple(
            datetime.fromisoformat(part) if kind is datetime else UUID(part) if kind is UUID else int(part)
            for part, kind in zip(parts, shape, strict=True)
        )
    except ValueError:
        return None
    return None if any(isinstance(value, datetime) and value.tzinfo is None for value in values) else values


def _address(request: HttpRequest, name: str, position: Position | None) -> str:
    if position is None:
        return ""
    query = request.GET.copy()
    for gone in ("after", "before"):
        query.pop(gone, None)
    query[name] = "~".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in position)
    return f"?{query.urlencode()}"
