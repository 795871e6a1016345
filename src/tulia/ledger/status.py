"""Where a recipient stands, as the strongest evidence seen (pure).

The numbers are ordered so that applying evidence is GREATEST: late, repeated and reordered callbacks change nothing
that a stronger one has said. `failed` stands between accepted and delivered, because a provider fails what it
accepted, and because a delivery after a failure means that it was delivered.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime

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


class Role(enum.IntEnum):
    """What somebody is to the experiment of a campaign. The database holds the number."""

    DEALT = 0
    """Dealt an arm by chance (or by an attribute): the people who are compared. Also everybody of a campaign that is no
    test."""
    ROLLED_OUT = 1
    """Got whatever was chosen after the test: never part of a comparison."""
    HELD_OUT = 2
    """Got nothing, to see what would have happened anyway. They wait for their turn like everybody else."""


AWAITING_WINNER = "awaiting_winner"
"""The reason of those who are deferred until a winner is chosen. They have no arm yet."""
NEVER_BY_ITSELF = datetime(9999, 12, 31, tzinfo=UTC)
"""When somebody is due whom only an act of ours makes due."""

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
