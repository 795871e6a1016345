"""The reference that travels with every message and comes back in its status callbacks (pure).

`t1:<campaign id>:<recipient id>`, 50 to 60 characters. It doesn't name the attempt: whichever attempt a callback
speaks of, it speaks of this person and campaign.
"""

from __future__ import annotations

import functools
from uuid import UUID

_PREFIX = "t1"
_TEST, _CONFIRMATION = "test:", "confirmation:"


def make(campaign_id: UUID, recipient_id: int) -> str:
    return f"{_stem(campaign_id)}{recipient_id}"


@functools.lru_cache(maxsize=1_024)
def _stem(campaign_id: UUID) -> str:
    """As `_campaign`, the other way round."""
    return f"{_PREFIX}:{campaign_id}:"


def of_test(campaign_id: UUID) -> str:
    """For a message that a campaign is tried with."""
    return f"{_TEST}{campaign_id}"


def of_confirmation(confirmation_id: int) -> str:
    """For an answer to STOP or START."""
    return f"{_CONFIRMATION}{confirmation_id}"


def is_of_no_campaign(reference: str | None) -> bool:
    """Whether it is ours and stands for no recipient of a campaign: nothing is to be recorded of such a message."""
    return bool(reference) and str(reference).startswith((_TEST, _CONFIRMATION))


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
