"""What the dispatcher's jobs and locks are called (pure)."""

from __future__ import annotations

from uuid import UUID

QUEUE = "dispatch"
LONG_QUEUE = "dispatch-long"
"""For what turned out to take long, so that nobody else's short jobs wait behind it."""
LAUNCH = "tulia.dispatch.launch"
CALL_OFF = "tulia.dispatch.call_off"


def sender_lock(sender_id: UUID) -> str:
    """The lock that the one dispatcher of a sender holds."""
    return f"dispatcher:{sender_id}"
