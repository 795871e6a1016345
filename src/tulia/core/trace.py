"""What a worker that is gone has left to be seen of what it sent last, and what follows for those it was sending to (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

LEFT_AFTER_ANSWER = timedelta(seconds=30)
"""For who lives to write down what became of them, once the longest that an answer may take is over."""
LEFT_TO_LOST = timedelta(seconds=20)
"""A worker of another machine may live, and have had no time yet to say so to a database that has just come back."""


class Trace(Enum):
    """What there is of a worker instead of whose messages it may have put on the wire."""

    LIVES = auto()
    """It knows best what it has in flight, and will write it down."""
    LOST = auto()
    """Nobody can tell: any of them."""


WireReader = Callable[[UUID], frozenset[int] | Trace]
"""Whose messages a worker that is gone may have put on the wire, or why that isn't known. Answers to STOP are in it by their
ids, negative."""


class Fate(Enum):
    """What is to be done about somebody who was being sent to."""

    LEFT = auto()
    """Nothing yet: their worker may still write down what became of them."""
    UNSENT = auto()
    UNKNOWN = auto()


def fates(
    being_sent: Iterable[tuple[int, UUID | None, datetime | None]],
    traces: Mapping[UUID, frozenset[int] | Trace],
    *,
    now: datetime,
    since: datetime | None,
    answer_seconds: float,
) -> dict[Fate, list[int]]:
    """Sorts what was being sent (its number as journals note it, its worker, from when) by what is to be done about it.

    A worker that lost the sender and lives ends what it has in flight and puts back what it didn't get to; nobody else can
    tell the two apart. It has some time for that from when the sender was taken over (`since`, now if not given), longer
    than an answer may take (`answer_seconds`).
    """
    found: dict[Fate, list[int]] = {one: [] for one in Fate}
    for number, worker_id, sending_at in being_sent:
        # What nobody claimed nobody can come back for; what was claimed since the traces were read is of who lives.
        trace = traces.get(worker_id, Trace.LIVES) if worker_id else frozenset([number])
        waited = now - max(sending_at or now, since or now)
        found[_fate(trace, number, waited, answer_seconds)].append(number)
    return found


def _fate(trace: frozenset[int] | Trace, number: int, waited: timedelta, answer_seconds: float) -> Fate:
    if isinstance(trace, frozenset):
        return Fate.UNKNOWN if number in trace else Fate.UNSENT
    living = timedelta(seconds=answer_seconds) + LEFT_AFTER_ANSWER
    return Fate.LEFT if waited < (living if trace is Trace.LIVES else LEFT_TO_LOST) else Fate.UNKNOWN
