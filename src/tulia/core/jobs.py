"""Background jobs: deferred by name, in the transaction of the state that needs them.

The queue is in the same PostgreSQL (Procrastinate), so a job and its reason are committed together or not at all.
Jobs carry batches and wake-ups, never one message each. The job functions themselves live with the package that
does the work (`dispatch.jobs`, `ingest.jobs`).
"""

from __future__ import annotations

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tulia.core import sql


def defer(
    name: str, *, queue: str, only_one_waiting: str | None = None, one_at_a_time: str | None = None, **arguments: str
) -> bool:
    """Puts a job in the queue; False when one with the same `only_one_waiting` key is waiting already.

    `one_at_a_time` is the key of jobs of which only one may run at any moment.
    """
    try:
        with sql.transaction_scope():  # a savepoint: a refused duplicate must not break the caller's transaction
            app.configure_task(name, queue=queue, lock=one_at_a_time, queueing_lock=only_one_waiting).defer(**arguments)
    except AlreadyEnqueued:
        return False
    return True
