"""Which worker processes run: each says so every few seconds, and says goodbye when it is stopped properly."""

from __future__ import annotations

import os
import socket
from uuid import UUID

import tulia
from tulia.core import sql

SILENT_SECONDS = 20
"""A worker that says nothing for so long is taken for dead: several of its ticks, and a database that was away."""
_IS_HEARD_OF = """
    SELECT FROM running_workers
    WHERE worker_id = %(worker_id)s AND ticked_at > now() - make_interval(secs => %(seconds)s)
"""
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


def is_heard_of(worker_id: UUID) -> bool:
    """Whether this process, on whichever machine, said a moment ago that it runs."""
    asked = {"worker_id": worker_id, "seconds": SILENT_SECONDS}
    return sql.fetch_one(_IS_HEARD_OF, asked) is not None


def gone(worker_id: UUID) -> None:
    """This process ends, and nobody need look for it."""
    sql.execute(_GONE, {"worker_id": worker_id})
