"""SQL as source: one statement a file, `<package>/sql/<act>.sql`; nothing else touches the connection.

Each file begins with a comment: what it is for, its parameters with their types, what it returns, what it locks and
writes. Parameters are psycopg's named ones, `%(name)s`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from django.db import connection, transaction

Params = Mapping[str, Any]
Row = tuple[Any, ...]


@functools.cache
def load(package: str, act: str) -> str:
    """The text of `tulia/<package>/sql/<act>.sql`."""
    return resources.files(f"tulia.{package}").joinpath("sql", f"{act}.sql").read_text()


def fetch_all(statement: str, params: Params | None = None) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def fetch_one(statement: str, params: Params | None = None) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        row: Row | None = cursor.fetchone()
        return row


def execute(statement: str, params: Params | None = None) -> int:
    """Runs a statement; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY … FROM STDIN into a staging table (PostgreSQL refuses COPY into a table with row-level security)."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def stream(statement: str, params: Params | None = None, *, chunk: int = 2_000) -> Iterator[Row]:
    """Rows through a server-side cursor: flat memory however many there are. Needs an open transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(chunk):
            yield from rows


@contextlib.contextmanager
def transaction_scope() -> Iterator[None]:
    """One transaction; a savepoint inside another."""
    with transaction.atomic():
        yield


def try_session_lock(name: str) -> bool:
    """Takes an advisory lock that lives as long as this connection; False when another holds it."""
    row = fetch_one("SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0))", {"name": name})
    return bool(row and row[0])
