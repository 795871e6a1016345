"""Where a recipient stands, as the strongest evidence seen (pure).

The numbers are ordered so that applying evidence is GREATEST: late, repeated and reordered callbacks change nothing
that a stronger one has said. `failed` stands between accepted and delivered, because a provider fails what it
accepted, and because a delivery after a failure means that it was delivered.
"""

from __future__ import annotations

import enum

from tulia.channels.types import Status


class State(enum.IntEnum):
    """The state of one recipient. The database holds the number."""

    WAITING = 0
    DEFERRED = 1
    SENDING = 5
    UNKNOWN = 6
    HOLDOUT = 10
    SKIPPED = 11
    CANCELLED = 12
    ACCEPTED = 20
    SENT = 25
    FAILED = 30
    DELIVERED = 40
    READ = 50


NAMES: dict[State, str] = {state: state.name.lower() for state in State}

OPEN = frozenset({State.WAITING, State.DEFERRED, State.SENDING})
"""States from which something is still to be done by itself: a campaign with such a person isn't complete."""

EVIDENCE: dict[Status, State] = {
    Status.SENT: State.SENT,
    Status.DELIVERED: State.DELIVERED,
    Status.READ: State.READ,
    Status.FAILED: State.FAILED,
}
"""What a status callback proves."""


def strongest(present: State, evidence: State) -> State:
    """The state after this evidence: never weaker than before."""
    return max(present, evidence)
