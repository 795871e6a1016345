"""What was being sent by workers that are gone, sorted by what is to be done about it: of people and of answers to STOP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from tulia.core.trace import Fate, Trace, WireReader, fates


def sort_out(
    left: QuerySet[Any],
    *,
    now: datetime,
    on_the_wire: WireReader = lambda _: Trace.LOST,
    worker_id: UUID | None = None,
    besides: UUID | None = None,
    since: datetime | None = None,
    sign: int = 1,
) -> dict[Fate, list[int]]:
    """The ids of these rows by their fates; they are held until the end of the transaction, which is the caller's.

    The rows say who sends them (`claimed_by`) and since when (`sending_at`). With `worker_id` only what that worker claimed,
    with `besides` only what any other did. `sign` is that of their ids in the journals. See `core.trace.fates`.
    """
    if worker_id:
        left = left.filter(claimed_by=worker_id)
    if besides:
        left = left.exclude(claimed_by=besides)
    # Read before the rows are held, for it may take a while to see that a worker is dead.
    traces = {of: on_the_wire(of) for of in set(left.values_list("claimed_by", flat=True)) if of}
    rows = left.select_for_update().order_by("id").values_list("id", "claimed_by", "sending_at")
    noted = [(sign * id_, of, sending_at) for id_, of, sending_at in rows]
    found = fates(noted, traces, now=now, since=since, answer_seconds=settings.SEND_TIMEOUT_SECONDS)
    return {fate: [sign * number for number in numbers] for fate, numbers in found.items()}
