"""What a worker that is gone has left to be seen of what it sent last, and what follows for those it was sending to (pure)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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


def fate(trace: frozenset[int] | Trace, noted_as: int, *, waited: timedelta, answer_seconds: float) -> Fate:
    """Of somebody of whose worker there is this trace, after so long; an answer may take `answer_seconds`.

    A worker that lost the sender and lives ends what it has in flight and puts back whom it didn't get to; nobody else can
    tell the two apart.
    """
    if isinstance(trace, frozenset):
        return Fate.UNKNOWN if noted_as in trace else Fate.UNSENT
    living = timedelta(seconds=answer_seconds) + LEFT_AFTER_ANSWER
    return Fate.LEFT if waited < (living if trace is Trace.LIVES else LEFT_TO_LOST) else Fate.UNKNOWN
