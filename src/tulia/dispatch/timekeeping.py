"""What has its time: scheduled campaigns, the next of recurring ones, winners to be named.

Apart from the look for senders with work, so that a big audience that is counted at its start makes no other campaign
wait to be sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from tulia.campaigns import lifecycle
from tulia.core import clock, logs, sql
from tulia.core.threads import DatabaseThreads
from tulia.dispatch import occurrences, scheduler, winners

_log = logs.get(__name__)
TICK_SECONDS = 0.5


async def until_stopped(database: DatabaseThreads, stopping: asyncio.Event) -> None:
    """Looks at the clock twice a second; each kind of thing for itself, so that none waits for another."""
    await asyncio.gather(*(_keep(look, database, stopping) for look in (start_due, occurrences_due, winners_due)))


def start_due() -> None:
    now = clock.now()
    if due := lifecycle.due(now=now):
        scheduler.start_due(due, now=now)


def occurrences_due() -> None:
    occurrences.start_due(now=clock.now())


def winners_due() -> None:
    winners.look(now=clock.now())


async def _keep(look: Callable[[], None], database: DatabaseThreads, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await database.run(look)
        except Exception as error:
            if not sql.is_worth_repeating(error):
                _log.exception("time_not_kept", act=look.__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
