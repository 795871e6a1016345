"""The jobs of the ingest queue."""

from __future__ import annotations

from uuid import UUID

from procrastinate.contrib.django import app

from tulia.core import jobs
from tulia.ingest import apply, early

QUEUE = "ingest"
APPLY = "tulia.ingest.apply_callbacks"


def defer_apply(tenant_id: UUID) -> None:
    """Wakes an applier; at most one waits for each tenant."""
    jobs.defer(APPLY, queue=QUEUE, only_one_waiting=f"apply:{tenant_id}", tenant_id=str(tenant_id))


@app.task(name=APPLY, queue=QUEUE)
def apply_callbacks(tenant_id: str) -> None:
    """Applies whatever waits for this tenant."""
    apply.apply_waiting(UUID(tenant_id))
    early.try_all_again(UUID(tenant_id))
