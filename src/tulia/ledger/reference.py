"""The reference that travels with every message and comes back in its status callbacks (pure).

`t1:<campaign id>:<recipient id>`, 50 to 60 characters. It doesn't name the attempt: whichever attempt a callback
speaks of, it speaks of this person and campaign.
"""

from __future__ import annotations

import functools
from uuid import UUID

_PREFIX = "t1"


def make(campaign_id: UUID, recipient_id: int) -> str:
    return f"{_PREFIX}:{campaign_id}:{recipient_id}"


@functools.lru_cache(maxsize=1_024)
def _campaign(text: str) -> UUID:
    """Thousands of statuses name the same campaign, and making a UUID takes longer than all the rest."""
    return UUID(text)


def read(reference: str | None) -> tuple[UUID, int] | None:
    """(campaign, recipient) of a reference of ours; None for anything else."""
    if not reference:
        return None
    parts = reference.split(":")
    if len(parts) != 3 or parts[0] != _PREFIX or not (parts[2].isascii() and parts[2].isdigit()) or len(parts[2]) > 18:
        return None
    try:
        return _campaign(parts[1]), int(parts[2])
    except ValueError:
        return None
