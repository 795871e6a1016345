"""What to do about a message that the provider certainly didn't take (pure).

Throttling is never a person's fault: no try is counted for it, however long it lasts.
Source: the providers' error tables, by class; full jitter after "Exponential Backoff And Jitter" (AWS, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

from tulia.channels.types import Failure, FailureKind

MAX_TRIES = 6
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_ASKED_SECONDS = 3_600.0
_NOT_REACHED_CODE = "connect"
_OUTAGE_STEP = 4  # people wait up to 8 seconds at a time while nobody gets through


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Later, after `after_seconds`; `reason` as the ledger names it.

    `slows_sender` when the whole sender was too fast; `holds_sender_seconds` is how long the provider wants nothing at
    all from this sender; `counts` unless it was no try, because nobody gets through or we were too fast.
    """

    after_seconds: float
    reason: str
    slows_sender: bool = False
    counts: bool = True
    holds_sender_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WaitForPerson:
    """This person got too many messages in a short time: they wait, and the others go on at full speed."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Failed for good for this person; `counts_against_campaign` when it's the message that was refused."""

    counts_against_campaign: bool = False


@dataclass(frozen=True, slots=True)
class StopSender:
    """Nobody can be sent to by this sender: put the person back and pause, with the reason in plain words.

    `concerns_account` when that holds of every sender of its account at the provider.
    """

    reason: str
    concerns_account: bool = False


@dataclass(frozen=True, slots=True)
class StopCampaign:
    """This message can be sent to nobody now: put the person back and pause what sends it, with the reason."""

    reason: str


Decision = TryAgain | WaitForPerson | GiveUp | StopSender | StopCampaign


def decide(failure: Failure, *, attempt: int, is_outage: bool, chance: float) -> Decision:
    """What to do after the `attempt`-th try (from 1) failed.

    `is_outage`: nobody gets through at the moment, so this person is not to blame and keeps their tries; a connection
    that could not be made is one by itself. `chance` is uniform in [0, 1).
    """
    asked = None if failure.retry_after_seconds is None else min(failure.retry_after_seconds, LONGEST_ASKED_SECONDS)
    if failure.kind is FailureKind.ACCOUNT:
        return StopSender(failure.message, failure.concerns_account)
    if failure.concerns_all:
        return StopCampaign(failure.message)
    if failure.kind is FailureKind.RECIPIENT:
        return GiveUp()
    if failure.kind is FailureKind.CONTENT:
        return GiveUp(counts_against_campaign=True)
    if failure.kind is FailureKind.THROTTLED:
        if failure.concerns_pair:
            return WaitForPerson()
        pause = _jittered(attempt, chance) if asked is None else asked * (1 + 0.2 * chance)
        return TryAgain(
            max(pause, 0.2), "throttled", slows_sender=True, counts=False, holds_sender_seconds=asked or 0.0
        )
    if is_outage or failure.code == _NOT_REACHED_CODE:
        pause = _jittered(max(attempt, _OUTAGE_STEP), chance) if asked is None else asked
        return TryAgain(pause, "retry", counts=False, holds_sender_seconds=asked or 0.0)
    if attempt >= MAX_TRIES:
        return GiveUp()
    pause = _jittered(attempt, chance) if asked is None else asked
    return TryAgain(pause, "retry", holds_sender_seconds=asked or 0.0)


def _jittered(attempt: int, chance: float) -> float:
    """Uniform from 0 to 1, 2, 4 … 60 seconds."""
    return chance * min(LONGEST_PAUSE_SECONDS, 2.0 ** min(attempt - 1, 10))
