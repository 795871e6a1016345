"""Our engine: connections that live, and instants as they are."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DataError, connection

from tulia.core import sql
from tulia.tenants.models import Tenant
from tulia.tenants.scope import system_scope, tenant_scope, tenant_view


def test_a_connection_that_ended_in_the_pool_is_not_given_out() -> None:
    def ask() -> int:
        row = sql.fetch_one("SELECT pg_backend_pid()")
        connection.close()  # back into the pool
        assert row is not None
        return int(row[0])

    first = ask()
    with psycopg.connect(**_own_parameters(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    assert ask() != first


def test_all_connections_of_a_full_pool_may_have_ended() -> None:
    """As after a restart of the database: whoever asks next never notices."""
    pids: list[int] = []
    together = threading.Barrier(4)

    def hold() -> None:
        row = sql.fetch_one("SELECT pg_backend_pid()")
        together.wait()
        connection.close()
        assert row is not None
        pids.append(int(row[0]))

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(**_own_parameters(), autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    for _ in range(6):
        assert sql.fetch_one("SELECT 1") == (1,)
        connection.close()


def _own_parameters() -> dict[str, object]:
    parameters = connection.get_connection_params()
    for unwanted in ("cursor_factory", "context", "pool", "prepare_threshold"):
        parameters.pop(unwanted, None)
    return parameters


def test_instants_are_read_to_the_microsecond_in_utc() -> None:
    for instant in (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 120_000, tzinfo=UTC) - timedelta(days=1),
    ):
        row = sql.fetch_one("SELECT %(at)s::timestamptz, NULL::timestamptz", {"at": instant})
        assert row == (instant, None)
        assert row[0].tzinfo is UTC


@pytest.mark.parametrize("beyond", ["infinity", "10000-01-01 00:00+00", "0001-01-01 00:00+00 BC"])
def test_an_instant_that_python_does_not_know_is_an_error_that_says_so(beyond: str) -> None:
    with pytest.raises(DataError, match="timestamp"):
        sql.fetch_one("SELECT %(at)s::timestamptz", {"at": beyond})


def test_a_scope_begins_in_one_round_trip_and_sees_its_tenant_only(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        assert sql.fetch_one("SELECT current_setting('tulia.tenant_id'), current_setting('transaction_read_only')") == (
            str(tenant.id), "off",
        )  # fmt: skip
    with tenant_view(tenant.id):
        assert sql.fetch_one("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')") == (
            "repeatable read", "on",
        )  # fmt: skip
    with system_scope():
        assert sql.fetch_one("SELECT current_setting('tulia.system'), current_setting('tulia.tenant_id')") == ("on", "")
    assert sql.fetch_one("SELECT current_setting('tulia.tenant_id', true), current_setting('tulia.system', true)") == (
        "",
        "",
    )


def test_a_scope_inside_a_transaction_is_a_part_of_it(tenant: Tenant) -> None:
    with sql.transaction_scope():
        sql.execute("CREATE TEMPORARY TABLE seen (n int) ON COMMIT DROP")
        with tenant_scope(tenant.id):
            sql.execute("INSERT INTO seen VALUES (1)")
        assert sql.fetch_one("SELECT count(*) FROM seen") == (1,)


def test_a_scope_whose_beginning_fails_leaves_nothing_behind(tenant: Tenant) -> None:
    with sql.transaction_scope(), pytest.raises(DataError):
        sql.begin("SELECT 1 / %(by)s", {"by": 0})
    with tenant_scope(tenant.id):
        assert sql.fetch_one("SELECT 1") == (1,)
