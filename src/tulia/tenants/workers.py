"""Which worker processes run: each says so every few seconds, and says goodbye when it is stopped properly."""

from __future__ import annotations

import os
import socket
from uuid import UUID

import tulia
from tulia.core import sql

SILENT_SECONDS = 20
"""A worker that says nothing for so long is taken for dead: several of its ticks, and a database that was away."""
_HEARD_OF = "SELECT worker_id FROM running_workers WHERE ticked_at > now() - make_interval(secs => %(seconds)s)"
_GONE = "DELETE FROM running_workers WHERE worker_id = %(worker_id)s"


def tick(worker_id: UUID, *, sender_count: int) -> None:
    """This process runs, and sends for so many senders."""
    sql.execute(
        sql.load("tenants", "tick_worker"),
        {
            "worker_id": worker_id,
            "machine": socket.gethostname()[:200],
            "process_id": os.getpid(),
            "version": tulia.__version__,
            "sender_count": sender_count,
        },
    )


def heard_of() -> frozenset[UUID]:
    """The processes, on whichever machine, that said a moment ago that they run. None, for a moment, after a crash of the
    database."""
    return frozenset(worker_id for (worker_id,) in sql.fetch_all(_HEARD_OF, {"seconds": SILENT_SECONDS}))


def gone(worker_id: UUID) -> None:
    """This process ends, and nobody need look for it."""
    sql.execute(_GONE, {"worker_id": worker_id})
