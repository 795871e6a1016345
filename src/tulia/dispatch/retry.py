"""What to do about a message that the provider certainly didn't take (pure).

Source: the providers' error tables, by class; full jitter after "Exponential Backoff And Jitter" (AWS, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

from tulia.channels.types import Failure, FailureKind

MAX_TRIES = 6
MAX_THROTTLED_TRIES = 50
LONGEST_PAUSE_SECONDS = 60.0
_PAIR_LIMIT_CODE = "131056"
_NOT_REACHED_CODE = "connect"
_OUTAGE_STEP = 4  # people wait up to 8 seconds at a time while nobody gets through


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Later, after `after_seconds`; `reason` as the ledger names it.

    `slows_sender` when the whole sender was too fast; `counts` unless nobody gets through, so that it was no try.
    """

    after_seconds: float
    reason: str
    slows_sender: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Failed for good for this person; `counts_against_campaign` when it's the message that was refused."""

    counts_against_campaign: bool = False


@dataclass(frozen=True, slots=True)
class StopSender:
    """Nobody can be sent to by this sender: put the person back and pause, with the reason in plain words."""

    reason: str


@dataclass(frozen=True, slots=True)
class StopCampaign:
    """This message can be sent to nobody now: put the person back and pause the campaign, with the reason."""

    reason: str


Decision = TryAgain | GiveUp | StopSender | StopCampaign


def decide(failure: Failure, *, attempt: int, is_outage: bool, chance: float) -> Decision:
    """What to do after the `attempt`-th try (from 1) failed.

    `is_outage`: nobody gets through at the moment, so this person is not to blame and keeps their tries; a connection
    that could not be made is one by itself. `chance` is uniform in [0, 1).
    """
    if failure.kind is FailureKind.ACCOUNT:
        return StopSender(failure.message)
    if failure.concerns_all:
        return StopCampaign(failure.message)
    if failure.kind is FailureKind.RECIPIENT:
        return GiveUp()
    if failure.kind is FailureKind.CONTENT:
        return GiveUp(counts_against_campaign=True)
    if failure.kind is FailureKind.THROTTLED:
        if attempt >= MAX_THROTTLED_TRIES:
            return GiveUp()
        if failure.code == _PAIR_LIMIT_CODE:  # one person got too many messages: the others go on at full speed
            return TryAgain(min(4.0 ** min(attempt - 1, 4), 256.0) * (1 + 0.2 * chance), "throttled")
        asked = failure.retry_after_seconds
        pause = _jittered(attempt, chance) if asked is None else asked * (1 + 0.2 * chance)
        return TryAgain(min(max(pause, 0.2), 3_600.0), "throttled", slows_sender=True)
    asked = failure.retry_after_seconds
    if is_outage or failure.code == _NOT_REACHED_CODE:
        pause = _jittered(max(attempt, _OUTAGE_STEP), chance) if asked is None else min(asked, 3_600.0)
        return TryAgain(pause, "retry", counts=False)
    if attempt >= MAX_TRIES:
        return GiveUp()
    return TryAgain(min(asked, 3_600.0) if asked is not None else _jittered(attempt, chance), "retry")


def _jittered(attempt: int, chance: float) -> float:
    """Uniform from 0 to 1, 2, 4 … 60 seconds."""
    return chance * min(LONGEST_PAUSE_SECONDS, 2.0 ** min(attempt - 1, 10))
