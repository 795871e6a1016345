"""Which worker processes run: each says so every few seconds, and says goodbye when it is stopped properly."""

from __future__ import annotations

import os
import socket
from uuid import UUID

import tulia
from tulia.core import sql

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


def gone(worker_id: UUID) -> None:
    """This process ends, and nobody need look for it."""
    sql.execute(_GONE, {"worker_id": worker_id})
