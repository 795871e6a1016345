"""Raw callbacks are kept for as many months as the installation says, and for good unless it says so.

What they told is in the ledger; reports, `tulia verify` and the history of a person don't read them. With an old callback
goes the possibility to apply it once more, and the proof of what exactly the provider said.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

from django.conf import settings

from tulia.core import clock, logs, sql
from tulia.core.threads import DatabaseThreads
from tulia.tenants import queries
from tulia.tenants.scope import tenant_scope

_MONTH = timedelta(days=31)
_BATCH = 2_000
_EVERY_SECONDS = 3_600.0
_log = logs.get(__name__)


async def keep(stopping: asyncio.Event) -> None:
    """What a worker runs beside its dispatchers: once an hour, what is too old goes."""
    if not settings.CALLBACKS_KEPT_MONTHS:
        await stopping.wait()
        return
    database = DatabaseThreads(1)
    try:
        while not stopping.is_set():
            await database.run(forget_old, months=settings.CALLBACKS_KEPT_MONTHS, now=clock.now())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _EVERY_SECONDS)
    finally:
        database.close()


def forget_old(*, months: int, now: datetime) -> int:
    """Deletes the callbacks of all tenants that are older and applied, in small transactions; how many there were."""
    forgotten = 0
    for tenant_id in queries.all_ids():
        count = _BATCH
        while count == _BATCH:
            with tenant_scope(tenant_id):
                count = sql.execute(
                    sql.load("ingest", "forget"),
                    {"tenant_id": tenant_id, "before": now - months * _MONTH, "batch": _BATCH},
                )
            forgotten += count
    if forgotten:
        _log.info("old_callbacks_forgotten", callbacks=forgotten)
    return forgotten
