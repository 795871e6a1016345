"""SQL as source: one statement a file, `<package>/sql/<act>.sql`; nothing else touches the connection.

Each file begins with a comment: what it is for, its parameters with their types, what it returns, what it locks and
writes. Parameters are psycopg's named ones, `%(name)s`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import orjson
import psycopg
from django.db import connection, transaction
from psycopg_pool import PoolTimeout

Params = Mapping[str, Any]
Row = tuple[Any, ...]
_PASSING = (
    psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.OperationalError, PoolTimeout,
)  # fmt: skip


@functools.cache
def load(package: str, act: str) -> str:
    """The text of `tulia/<package>/sql/<act>.sql`."""
    return resources.files(f"tulia.{package}").joinpath("sql", f"{act}.sql").read_text()


def array(values: Sequence[Any]) -> str | list[Any]:
    """The values as an array parameter; `%(name)s` needs a cast to the array's type.

    Written in one go, for psycopg quotes them one by one. What would need other escapes than quotes is left to it.
    """
    written = orjson.dumps(values, default=str)
    return list(values) if b"\\" in written else "{" + written[1:-1].decode() + "}"


def fetch_all(statement: str, params: Params | None = None) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows: list[Row] = cursor.fetchall()
        return rows


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


def once_committed(act: Callable[[], None]) -> None:
    """Does it when the transaction at hand is committed, at once when there is none, never when it is rolled back."""
    transaction.on_commit(act)


def begin(question: str, params: Params, *, is_one_view: bool = False) -> str | None:
    """Asks the first question of the transaction scope just entered, and begins it in the same round trip.

    The first column of the answer as text; None when nothing came. `is_one_view` makes every statement of the
    transaction see the database as it is now, and write nothing; in a scope inside another it does nothing.
    """
    connection.ensure_connection()
    held: psycopg.Connection[Any] = connection.connection
    asked = psycopg.ClientCursor(held).mogrify(question, params)
    if held.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE:
        asked = f"BEGIN{' ISOLATION LEVEL REPEATABLE READ, READ ONLY' if is_one_view else ''}; {asked}"
    with connection.wrap_database_errors:
        answer = held.pgconn.exec_(asked.encode())
        if answer.status != psycopg.pq.ExecStatus.TUPLES_OK:
            if not answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE):  # not the server's words: it is gone
                raise psycopg.OperationalError("the connection is lost")
            raise psycopg.errors.error_from_result(answer)
    first = answer.get_value(0, 0)
    return first.decode() if first is not None else None


class SessionLocks:
    """Advisory locks on a connection of their own: held until released or until this process is gone.

    PostgreSQL gives the locks of a dead process free at once, so whoever gets one knows that the former holder can't
    be at work with the database any more.
    """

    def __init__(self) -> None:
        self._session: psycopg.Connection[Row] | None = None

    def _connected(self) -> psycopg.Connection[Row]:
        if self._session is None or self._session.closed:
            parameters = connection.get_connection_params()
            for unwanted in ("cursor_factory", "context", "pool"):
                parameters.pop(unwanted, None)
            self._session = psycopg.connect(**parameters, autocommit=True)
        return self._session

    def acquire(self, name: str) -> bool:
        """False when somebody else holds it. Not reentrant: ask once for each name."""
        row = self._connected().execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
        return bool(row and row[0])

    def release(self, name: str) -> None:
        """Gives it back; does nothing when the connection, and so the lock, is gone."""
        if self._session is not None and not self._session.closed:
            with contextlib.suppress(psycopg.OperationalError):  # it is gone, and nobody knew yet; see `are_held`
                self._session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])

    def are_held(self) -> bool:
        """Whether the connection still lives, and with it every lock that was taken."""
        if self._session is None:
            return True
        try:
            self._session.execute("SELECT 1")
        except psycopg.OperationalError:
            self._session = None
            return False
        return True

    def close(self) -> None:
        if self._session is not None:
            self._session.close()


def is_worth_repeating(error: BaseException) -> bool:
    """Whether the same statement may succeed in a moment: a deadlock, a serialization failure, or a lost database."""
    cause: BaseException | None = error
    while cause is not None:  # Django and the queue wrap it, one after the other
        if isinstance(cause, _PASSING):
            return True
        cause = cause.__cause__
    return False


def limit_time(seconds: float) -> None:
    """From now on to the end of this transaction no statement takes longer; one that would is called off."""
    execute("SELECT set_config('statement_timeout', %(limit)s, true)", {"limit": f"{int(seconds * 1_000)}ms"})


def ran_out_of_time(error: BaseException) -> bool:
    """Whether a statement was called off because of `limit_time`."""
    return isinstance(error.__cause__ or error, psycopg.errors.QueryCanceled)


def drop_connection() -> None:
    """Forgets this thread's connection, so that the next statement gets a fresh one."""
    connection.close()
