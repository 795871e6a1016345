"""Who a transaction acts for. Outside these scopes the database shows no tenant's rows to anybody."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from tulia.core import clock, sql


@dataclass(frozen=True, slots=True)
class _Acting:
    """What the database is told: a tenant's id or nothing, and whether the system itself asks."""

    tenant: str = ""
    system: str = ""


class _Present(threading.local):
    """What this thread's connection, which is its own, was told last."""

    acting: _Acting | None = None


_present = _Present()
_TELL = (
    "SELECT extract(epoch FROM clock_timestamp()), set_config('tulia.tenant_id', %(tenant)s, true),"
    " set_config('tulia.system', %(system)s, true)"
)


@contextlib.contextmanager
def _scope(wanted: _Acting, *, is_one_view: bool = False) -> Iterator[None]:
    """Tells the database for the rest of the transaction; the settings end with it by themselves.

    A scope inside one like it costs nothing: no savepoint, no question to the database.
    """
    before = _present.acting
    if before == wanted:
        yield
        return
    with sql.transaction_scope():
        try:
            _tell(wanted, is_first=before is None, is_one_view=is_one_view)
            yield
            if before is not None:
                _tell(before)
        finally:
            _present.acting = before


def _tell(wanted: _Acting, *, is_first: bool = False, is_one_view: bool = False) -> None:
    asked = time.monotonic()
    params = {"tenant": wanted.tenant, "system": wanted.system}
    if is_first:
        shown: str | None = sql.begin(_TELL, params, is_one_view=is_one_view)
    else:
        shown = (sql.fetch_one(_TELL, params) or (None,))[0]
    _present.acting = wanted
    if shown is not None:
        clock.heard(datetime.fromtimestamp(float(shown), tz=UTC), asked=asked)


@contextlib.contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """One transaction that sees and writes the rows of this tenant only."""
    with _scope(_Acting(tenant=str(tenant_id))):
        yield


@contextlib.contextmanager
def tenant_view(tenant_id: UUID) -> Iterator[None]:
    """One transaction that reads this tenant's rows as they are at one instant, however many statements it takes.

    Inside another scope it is only as much of one view as that transaction is.
    """
    with _scope(_Acting(tenant=str(tenant_id)), is_one_view=True):
        yield


@contextlib.contextmanager
def system_scope() -> Iterator[None]:
    """One transaction that may read the few tables that name where work is (API keys, senders, campaigns, callbacks).

    For finding out whom something belongs to; what is then done happens in that tenant's scope.
    """
    with _scope(_Acting(system="on")):
        yield
