"""Statements, locks that live as long as their connection, and fresh statistics."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg_pool import PoolTimeout

from cast import add_people, all_at_once
from tulia.audience import reach
from tulia.core import planning, sql
from tulia.tenants.models import Tenant


@pytest.fixture
def locks() -> Iterator[tuple[sql.SessionLocks, sql.SessionLocks]]:
    """The locks of two processes."""
    both = (sql.SessionLocks(), sql.SessionLocks())
    yield both
    for one in both:
        one.close()


def kill_connection_of(held: sql.SessionLocks) -> None:
    assert held._session is not None
    sql.fetch_one("SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": held._session.info.backend_pid})


def test_a_lock_is_held_by_one_until_it_is_given_back(locks: tuple[sql.SessionLocks, sql.SessionLocks]) -> None:
    mine, yours = locks
    name = str(uuid.uuid4())
    assert mine.acquire(name)
    assert not yours.acquire(name)
    assert yours.acquire(name + "x")
    mine.release(name)
    assert yours.acquire(name)
    assert mine.are_held()


def test_a_lock_is_free_when_its_connection_dies_and_its_holder_finds_out(
    locks: tuple[sql.SessionLocks, sql.SessionLocks],
) -> None:
    mine, yours = locks
    name = str(uuid.uuid4())
    assert mine.acquire(name)
    kill_connection_of(mine)
    assert yours.acquire(name)
    mine.release(name)  # of a connection that is gone: nothing to do, nothing to raise
    assert not mine.are_held()
    assert not mine.acquire(name)
    assert mine.are_held()


def test_a_process_that_holds_nothing_has_lost_nothing() -> None:
    held = sql.SessionLocks()
    assert held.are_held()
    held.release("x")
    held.close()


def test_both_ends_give_a_vanished_machine_up_within_half_a_minute() -> None:
    """So that its locks go free. Over a local socket, as here, the server has nothing to watch."""
    parameters = connection.get_connection_params()
    keepalives = {
        name: int(parameters[name]) for name in ("keepalives_idle", "keepalives_interval", "keepalives_count")
    }
    assert keepalives["keepalives_idle"] + keepalives["keepalives_interval"] * keepalives["keepalives_count"] < 30
    assert int(parameters["tcp_user_timeout"]) < 30_000
    for name, value in keepalives.items():
        assert f"-c tcp_{name}={value}" in parameters["options"]
    assert f"-c tcp_user_timeout={parameters['tcp_user_timeout']}" in parameters["options"]


def test_a_failed_scope_takes_back_what_it_wrote_and_nothing_else(tenant: Tenant) -> None:
    with sql.transaction_scope():
        sql.execute("CREATE TEMPORARY TABLE noted (n int) ON COMMIT DROP")
        sql.execute("INSERT INTO noted VALUES (1)")
        with contextlib.suppress(ZeroDivisionError), sql.transaction_scope():
            assert sql.execute("INSERT INTO noted VALUES (2), (3)") == 2
            raise ZeroDivisionError
        assert sql.copy_rows("noted", ["n"], ([n] for n in range(10, 15))) == 5
        assert sql.fetch_one("SELECT min(n), count(*) FROM noted") == (1, 6)
        assert list(sql.stream("SELECT n FROM noted ORDER BY n", chunk=2)) == [(1,), *((n,) for n in range(10, 15))]
    assert sql.fetch_one("SELECT 1 WHERE false") is None


@pytest.mark.parametrize(
    ("error", "is_worth"),
    [
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.OperationalError(), True),
        (PoolTimeout(), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.DataError(), False),
        (ValueError(), False),
    ],
)
def test_what_may_succeed_in_a_moment_is_worth_repeating(error: Exception, is_worth: bool) -> None:
    assert sql.is_worth_repeating(error) is is_worth
    wrapped = OperationalError()
    wrapped.__cause__ = error
    assert sql.is_worth_repeating(wrapped) is is_worth
    twice = RuntimeError()
    twice.__cause__ = wrapped
    assert sql.is_worth_repeating(twice) is is_worth


def test_a_connection_that_broke_without_a_word_is_worth_repeating() -> None:
    assert sql.fetch_one("SELECT 1") == (1,)
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)
    with pytest.raises(OperationalError) as lost:
        sql.begin("SELECT 1", {})
    assert sql.is_worth_repeating(lost.value)
    sql.drop_connection()
    assert sql.begin("SELECT 1", {}) == "1"
    sql.drop_connection()


def test_a_dropped_connection_is_replaced_by_a_fresh_one() -> None:
    assert sql.fetch_one("SELECT 1") == (1,)
    sql.drop_connection()
    assert connection.connection is None
    assert sql.fetch_one("SELECT 1") == (1,)


def refreshed() -> list[str]:
    sql.fetch_one("SELECT pg_stat_force_next_flush()")
    return planning.refresh_statistics(reach.TABLES)


def test_statistics_are_refreshed_after_a_big_change_and_only_then(tenant: Tenant) -> None:
    # Big is a fifth of what earlier tests of this process have left in the tables, and a thousand more.
    left = sql.fetch_one(
        "SELECT max(n_live_tup) FROM pg_stat_user_tables WHERE relname IN ('customers', 'customer_tags')"
    )
    add_people(tenant, 2_500 + (left[0] if left else 0) // 3)
    assert {"customers", "customer_tags"} <= set(refreshed())
    assert not {"customers", "customer_tags"} & set(refreshed())
    assert planning.refresh_statistics([]) == []
    assert planning.refresh_statistics(["no_such_table"]) == []


def test_of_many_at_once_who_comes_late_goes_on_without(tenant: Tenant) -> None:
    add_people(tenant, 2_500)
    sql.fetch_one("SELECT pg_stat_force_next_flush()")
    answers = all_at_once(*[lambda: planning.refresh_statistics(reach.TABLES)] * 3)
    assert all(isinstance(one, list) for one in answers), answers
