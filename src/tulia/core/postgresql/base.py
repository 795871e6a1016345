"""What Django loads for `ENGINE = "tulia.core.postgresql"`; the name of this file is Django's.

Instants are read by Python's own C code, ten times as fast: a page of fifty customers has a hundred of them.

A connection that lay in the pool may have died meanwhile. Django's pool asks each one whether it lives, every time it is
given out: one more round trip for every request. A server that ended or restarted has closed its side, though, and the
kernel knows: only a connection on which something arrived unasked is asked.
"""

from __future__ import annotations

import functools
import select
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base, psycopg_any
from psycopg.adapt import AdaptersMap
from psycopg_pool import ConnectionPool


class _InstantLoader(psycopg_any.BaseTzLoader):  # type: ignore[misc]
    """`timestamptz` as datetime, in UTC."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            instant = datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # a year that Python doesn't know, which the driver says in its own words
            instant = super().load(data)
        return instant


@functools.cache
def _adapters(given: AdaptersMap) -> AdaptersMap:
    ours = AdaptersMap(given)
    ours.register_loader("timestamptz", _InstantLoader)
    return ours


def _has_news(connection: psycopg.Connection[Any]) -> bool:
    """Whether anything arrived on an idle connection, its end above all."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections out of the pool live when they are given out, as far as this machine can know."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        assert self.timezone is UTC
        return params | {"context": _adapters(params["context"])}

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        while True:
            connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
            if not self.pool:
                return connection
            try:
                if _has_news(connection):
                    ConnectionPool.check_connection(connection)
            except psycopg.OperationalError:
                connection.close()
                self.pool.putconn(connection)  # which replaces it
            else:
                return connection
