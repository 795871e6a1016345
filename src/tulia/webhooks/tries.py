"""What to do after a try to deliver an event (pure).

The schedule is that of the Standard Webhooks specification; full jitter after "Exponential Backoff And Jitter" (AWS,
2015): each pause is drawn evenly from zero up to the schedule's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

PAUSES_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
MAX_TRIES = len(PAUSES_SECONDS) + 1
LONGEST_ASKED_SECONDS = 86_400
GONE = 410
GIVE_UP_AFTER = timedelta(days=5)
"""How long an endpoint may fail, without a success in between, before its subscription is switched off."""
REST_AFTER = 3
"""Failures of an endpoint in a row after which it is left alone for a while, whatever waits for it."""
LONGEST_REST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one try: the status, or None and why there is none; `retry_after_seconds` as the endpoint asked."""

    status: int | None
    error: str
    duration_ms: int
    excerpt: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def pause_after(answer: Answer, *, tries: int, chance: float) -> float | None:
    """Seconds until the next try after `tries` failed ones; None when that was the last.

    `chance` is uniform in [0, 1). Never sooner than the endpoint asked for, up to a day.
    """
    if tries >= MAX_TRIES:
        return None
    drawn = chance * PAUSES_SECONDS[max(tries, 1) - 1]
    return max(drawn, min(answer.retry_after_seconds or 0.0, LONGEST_ASKED_SECONDS))


def reason_to_switch_off(answer: Answer, *, failing_since: datetime | None, now: datetime) -> str:
    """Why the subscription is to be switched off after this answer; empty when it isn't."""
    if answer.status == GONE:
        return "The endpoint answered 410 Gone."
    if not answer.is_success and failing_since is not None and now - failing_since >= GIVE_UP_AFTER:
        return f"Nothing was delivered for {GIVE_UP_AFTER.days} days; the last try: {answer.error}"
    return ""


def rest_seconds(failures_in_a_row: int) -> float:
    """How long to leave an endpoint alone that failed so often in a row: nothing, then 1, 2, 4 … 60 seconds."""
    if failures_in_a_row < REST_AFTER:
        return 0.0
    return min(LONGEST_REST_SECONDS, 2.0 ** min(failures_in_a_row - REST_AFTER, 10))


def asked_pause(retry_after: str, *, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as an HTTP date; None when it says neither."""
    from email.utils import parsedate_to_datetime

    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        asked = parsedate_to_datetime(text)
        return max(0.0, (asked - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
