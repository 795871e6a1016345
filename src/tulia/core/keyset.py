"""Lists in pages by the values of their order (keyset): constant cost however far the reader goes.

A page is asked for by the place it begins after. Rows that come or go between two pages shift nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from tulia.core import by_key

Position = tuple[Any, ...]
T = TypeVar("T")
U = TypeVar("U")
M = TypeVar("M", bound=Model)
DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list: at most `limit` rows after `position` (from the start when None), or before it."""

    limit: int = DEFAULT_LIMIT
    position: Position | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in the list's order; `next` and `previous` are the positions to go on from, None at an end."""

    results: list[T]
    next: Position | None = None
    previous: Position | None = None

    def map(self, change: Callable[[T], U]) -> Page[U]:
        return Page([change(row) for row in self.results], self.next, self.previous)


def page(rows: QuerySet[M], wanted: PageRequest, *, order: Sequence[str] = ("-created_at", "-id")) -> Page[M]:
    """One page of a queryset, read at once (so that it is read inside the tenant's scope).

    `order` names columns that together are unique, all with a minus sign or all without.
    """
    fields, reads_down = _direction(wanted, order)
    if wanted.position is not None:
        rows = rows.filter(_beyond(fields, wanted.position, "lt" if reads_down else "gt"))
    found = list(rows.order_by(*(f"-{name}" if reads_down else name for name in fields))[: wanted.limit + 1])
    return cut(found, wanted, position_of=lambda row: tuple(getattr(row, name) for name in fields))


def page_of(
    model: type[M], equal: Mapping[str, object], wanted: PageRequest, *, order: Sequence[str] = ("-created_at", "-id")
) -> Page[M]:
    """`page` of the rows whose columns have these values (None is NULL), by a statement that is made once."""
    fields, reads_down = _direction(wanted, order)
    found = by_key.rows(
        model, equal, order=fields, is_descending=reads_down, limit=wanted.limit + 1, beyond=wanted.position
    )
    return cut(found, wanted, position_of=lambda row: tuple(getattr(row, name) for name in fields))


def _direction(wanted: PageRequest, order: Sequence[str]) -> tuple[list[str], bool]:
    """The order's columns, and whether they are read downwards."""
    return [name.lstrip("-") for name in order], order[0].startswith("-") != wanted.is_backward


def cut(found: list[T], wanted: PageRequest, *, position_of: Callable[[T], Position]) -> Page[T]:
    """A page from up to `limit + 1` rows that were read in the direction asked for (the extra one tells of more)."""
    has_more = len(found) > wanted.limit
    found = found[: wanted.limit]
    if wanted.is_backward:
        found = found[::-1]
    has_next = has_more if not wanted.is_backward else wanted.position is not None
    has_previous = has_more if wanted.is_backward else wanted.position is not None
    return Page(
        found,
        next=position_of(found[-1]) if found and has_next else None,
        previous=position_of(found[0]) if found and has_previous else None,
    )


def _beyond(fields: Sequence[str], position: Position, side: str) -> Q:
    """(a, b) beyond (x, y), spelled so that an index on (a, b) gives the first bound."""
    steps = [
        reduce(operator.and_, (Q(**{fields[i]: position[i]}) for i in range(depth)), Q())
        & Q(**{f"{fields[depth]}__{side}": position[depth]})
        for depth in range(len(fields))
    ]
    return Q(**{f"{fields[0]}__{side}e": position[0]}) & reduce(operator.or_, steps)
