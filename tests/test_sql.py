"""Every statement is planned by PostgreSQL as the application role, with parameters of the types its header names."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from statements import STATEMENTS, Statement
from tulia.audience import criteria, reach
from tulia.core import sql
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SAMPLES: dict[str, Any] = {
    "uuid": uuid.UUID("00000000-0000-4000-8000-000000000001"),
    "text": "+254700000001",
    "int": 1,
    "bigint": 1,
    "smallint": 1,
    "boolean": True,
    "timestamptz": NOW,
    "interval": timedelta(days=7),
    "bytea": b"{}",
    "jsonb": "{}",
}
# Statements that read what another of the same transaction staged, after the ones that make room for it.
STAGING = sorted(
    (one for one in STATEMENTS if one.temporary_tables()),
    key=lambda one: (not one.path.stem.startswith("stage_"), one.name),
)


class _UndoneAgain(Exception):
    """Ends a transaction that must leave nothing behind."""


def _sample(kind: str) -> Any:
    return [SAMPLES[kind.removesuffix("[]")]] if kind.endswith("[]") else SAMPLES[kind]


def _ready(statement: Statement, tenant: Tenant) -> tuple[str, dict[str, Any]]:
    text = statement.path.read_text()
    params = {name: _sample(kind) for name, kind in statement.params().items()}
    if "/*selection*/" in text:
        chosen = reach.selection(criteria.parse({"tags": ["vip"]}), tenant_id=tenant.id, as_of=NOW)
        return text.replace("/*selection*/", chosen.sql), {**params, **chosen.params}
    return text, params


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.name)
def test_the_header_names_every_parameter_and_no_other(statement: Statement) -> None:
    assert set(statement.params()) == statement.placeholders()


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.name)
def test_the_application_role_may_run_every_statement(statement: Statement, tenant: Tenant) -> None:
    with contextlib.suppress(_UndoneAgain), tenant_scope(tenant.id):
        _plan(statement, tenant)
        raise _UndoneAgain


def _plan(statement: Statement, tenant: Tenant) -> None:
    assert sql.fetch_one("SELECT current_user") == ("tulia_app",)
    for staging in STAGING:
        if staging == statement:
            sql.execute(*_ready(statement, tenant))
            return
        sql.execute(*_ready(staging, tenant))
    text, params = _ready(statement, tenant)
    assert sql.fetch_all("EXPLAIN " + text, params)
