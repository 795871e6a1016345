"""Rows of a model by equal columns, through statements made once.

Django makes the text of a statement anew for every call, and writes out every column of it: a millisecond for a campaign,
eight times what the database takes. The same rows come from here for a fifth of that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from django.db import connection, models

from tulia.core import sql

M = TypeVar("M", bound=models.Model)
Read = Callable[[Any, Any, Any], Any]


class _Statement(NamedTuple):
    text: str
    names: Sequence[str]
    readers: Sequence[tuple[int, Any, Sequence[Read]]]
    """Columns by their place that Django reads further: JSON, for one."""


def row(model: type[M], **key: object) -> M | None:
    """The row whose columns have these values (None is NULL), as `objects.filter(**key).first()` would give it.

    The key must be a unique one: of several rows any would come.
    """
    found = _read(model, key, "LIMIT 1", {})
    return found[0] if found else None


def rows(
    model: type[M],
    key: Mapping[str, object],
    *,
    order: Sequence[str],
    is_descending: bool,
    limit: int,
    beyond: Sequence[object] | None = None,
) -> list[M]:
    """The first rows with these values, in the order of `order`'s columns together, further than `beyond` (its values).

    The order's columns must have no NULLs: nothing is further than one.
    """
    values = {f"beyond_{n}": value for n, value in enumerate(beyond)} if beyond is not None else {}
    tail = _tail(model, tuple(order), tuple(values), is_descending)
    return _read(model, key, tail, {**values, "limit": limit})


@functools.cache
def _tail(model: type[models.Model], order: tuple[str, ...], beyond: tuple[str, ...], is_descending: bool) -> str:
    columns = [connection.ops.quote_name(_column(model, name)) for name in order]
    direction, further = ("DESC", "<") if is_descending else ("ASC", ">")
    places = ", ".join(f"%({name})s" for name in beyond)
    condition = f"AND ({', '.join(columns)}) {further} ({places}) " if beyond else ""
    return f"{condition}ORDER BY {', '.join(f'{column} {direction}' for column in columns)} LIMIT %(limit)s"


def _read(model: type[M], key: Mapping[str, object], tail: str, values: Mapping[str, object]) -> list[M]:
    given = {name: value for name, value in key.items() if value is not None}
    statement = _statement(model, tuple(key), tuple(name for name in key if name not in given), tail)
    using = connection.alias
    found = []
    for content in map(list, sql.fetch_all(statement.text, {**given, **values})):
        for at, column, readers in statement.readers:
            for read in readers:
                content[at] = read(content[at], column, connection)
        found.append(model.from_db(using, statement.names, content))
    return found


@functools.cache
def _statement(model: type[models.Model], key: tuple[str, ...], nulls: tuple[str, ...], tail: str) -> _Statement:
    quote = connection.ops.quote_name
    fields = model._meta.concrete_fields
    conditions = [
        f"{quote(_column(model, name))} IS NULL" if name in nulls else f"{quote(_column(model, name))} = %({name})s"
        for name in key
    ]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    text = f"SELECT {columns} FROM {quote(model._meta.db_table)} WHERE {' AND '.join(conditions)} {tail}"  # noqa: S608 - of names in our own models
    return _Statement(text, [field.attname for field in fields], list(_readers(fields)))


def _column(model: type[models.Model], name: str) -> str:
    column = (model._meta.pk if name == "pk" else model._meta.get_field(name)).column  # type: ignore[union-attr]
    assert column is not None
    return column


def _readers(fields: Sequence[models.Field[Any, Any]]) -> Iterator[tuple[int, Any, Sequence[Read]]]:
    for at, field in enumerate(fields):
        column: Any = field.get_col(field.model._meta.db_table)
        readers = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        if readers:
            yield at, column, readers
