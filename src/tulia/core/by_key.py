"""One row of a model by its key, through a statement made once.

Django makes the text of a statement anew for every call, and writes out every column of it: a millisecond for a campaign,
eight times what the database takes. The same row comes from here for a fifth of that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
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
    nulls = tuple(name for name, value in key.items() if value is None)
    statement = _statement(model, tuple(key), nulls)
    found = sql.fetch_one(statement.text, {name: value for name, value in key.items() if value is not None})
    if found is None:
        return None
    values = list(found)
    for at, column, readers in statement.readers:
        for read in readers:
            values[at] = read(values[at], column, connection)
    return model.from_db(connection.alias, statement.names, values)


@functools.cache
def _statement(model: type[models.Model], key: tuple[str, ...], nulls: tuple[str, ...]) -> _Statement:
    quote = connection.ops.quote_name
    fields = model._meta.concrete_fields
    conditions = [
        f"{quote(_column(model, name))} IS NULL" if name in nulls else f"{quote(_column(model, name))} = %({name})s"
        for name in key
    ]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    text = f"SELECT {columns} FROM {quote(model._meta.db_table)} WHERE {' AND '.join(conditions)} LIMIT 1"  # noqa: S608 - of names in our own models
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
