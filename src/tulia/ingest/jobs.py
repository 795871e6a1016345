"""The jobs of the ingest queue."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from procrastinate.contrib.django import app

from tulia.core import clock, jobs
from tulia.ingest import apply, early

QUEUE = "ingest"
APPLY = "tulia.ingest.apply_callbacks"
WAKE = "tulia.ingest.wake_forgotten"


def defer_apply(tenant_id: UUID) -> None:
    """Wakes an applier; at most one waits for each tenant."""
    jobs.defer(APPLY, queue=QUEUE, only_one_waiting=f"apply:{tenant_id}", tenant_id=str(tenant_id))


@app.task(name=APPLY, queue=QUEUE)
def apply_callbacks(tenant_id: str) -> None:
    """Applies whatever waits for this tenant."""
    apply.apply_waiting(UUID(tenant_id))
    early.try_all_again(UUID(tenant_id))


@app.periodic(cron="* * * * * */2", periodic_id="wake")
@app.task(name=WAKE, queue=QUEUE, queueing_lock=WAKE)
def wake_forgotten(timestamp: int) -> None:  # noqa: ARG001 - the queue gives the time it was due
    """Every two seconds: wakes an applier where callbacks wait that nobody took, or statuses that came too early.

    A callback stored at the very moment when an applier finds nothing left would otherwise wait for the next one.
    """
    for tenant_id in apply.tenants_waiting(received_before=clock.now() - timedelta(seconds=1)):
        defer_apply(tenant_id)
