"""Who a transaction acts for. Outside these scopes the database shows no tenant's rows to anybody."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from uuid import UUID

from tulia.core import sql

_ENTER = """
SELECT current_setting('tulia.tenant_id', true), current_setting('tulia.system', true),
       set_config('tulia.tenant_id', %(tenant)s, true), set_config('tulia.system', %(system)s, true)
"""
_LEAVE = "SELECT set_config('tulia.tenant_id', %(tenant)s, true), set_config('tulia.system', %(system)s, true)"


@contextlib.contextmanager
def _scope(*, tenant: str, system: str) -> Iterator[None]:
    with sql.transaction_scope():
        row = sql.fetch_one(_ENTER, {"tenant": tenant, "system": system})
        before = {"tenant": (row[0] if row else None) or "", "system": (row[1] if row else None) or ""}
        yield
        # After an exception the rollback undoes set_config by itself; nested scopes give back what they found.
        sql.execute(_LEAVE, before)


@contextlib.contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """One transaction that sees and writes the rows of this tenant only."""
    with _scope(tenant=str(tenant_id), system=""):
        yield


@contextlib.contextmanager
def system_scope() -> Iterator[None]:
    """One transaction that may read the few tables that name where work is (API keys, senders, campaigns, callbacks).

    For finding out whom something belongs to; what is then done happens in that tenant's scope.
    """
    with _scope(tenant="", system="on"):
        yield
