"""When a sender stops trying for a while, and how it begins again (pure; time comes in as seconds).

Closed: messages go out at the sender's pace. Open: none does, for a while or until a person has mended something.
Half open: one message at a time tries the way; a few that get through close it, one that doesn't opens it for longer.
So an outage costs few people: whoever was in flight when it began, and one for each trial.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field

OUTAGE_AFTER = 20  # messages in a row that didn't get through to the provider
SHARE_OF = 100  # or half of so many
SHARE = 0.5
OUTAGE_PAUSE_SECONDS = 5.0
LONGEST_PAUSES = 6  # times the first one
GROWTH = 1.5
TRIALS_TO_CLOSE, MOST_TRIALS_TO_CLOSE = 3, 24
RELAPSE_SECONDS = 300.0  # closed for less, it wasn't well: twice as many must get through the next time
THROTTLED_TOO_LONG_SECONDS = 900.0
FEWEST_THROTTLED = 5


class Breaker(enum.StrEnum):
    """The three states."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class OutageBreaker:
    """Whether one sender gets through to its provider; `state` moves by what becomes of messages, and by time."""

    state: Breaker = Breaker.CLOSED
    retry_at: float = field(default=float("-inf"), init=False)
    """When an open breaker lets the next trial out."""
    _in_a_row: int = field(default=0, init=False)
    _lately: deque[bool] = field(default_factory=lambda: deque(maxlen=SHARE_OF), init=False)
    _trials_passed: int = field(default=0, init=False)
    _trials_to_close: int = field(default=TRIALS_TO_CLOSE, init=False)
    _closed_at: float = field(default=float("-inf"), init=False)
    _pause: float = field(default=0.0, init=False)

    @property
    def is_outage(self) -> bool:
        """Whether it isn't known that anybody gets through: then nobody uses up a try, and messages go one by one."""
        return self.state is not Breaker.CLOSED

    @property
    def doubt(self) -> int:
        """How many messages in a row didn't get through: so many fewer should be on their way, until one does."""
        return self._in_a_row

    def is_resting(self, now: float) -> bool:
        """Whether nothing at all may be sent; once the rest is over the breaker is half open."""
        if self.state is Breaker.OPEN and now >= self.retry_at:
            self.state = Breaker.HALF_OPEN
        return self.state is Breaker.OPEN

    def reached(self, now: float) -> None:
        """The provider said something of a message."""
        self._in_a_row = 0
        self._lately.append(False)
        if self.is_outage:
            self._trials_passed += 1
            self.state = Breaker.HALF_OPEN
            if self._trials_passed >= self._trials_to_close:
                self.state, self._pause, self._closed_at = Breaker.CLOSED, 0.0, now
                self._lately.clear()

    def conclude(self) -> None:
        """There is nobody left to try the way with: if the last ones got through, all is well."""
        if self.state is Breaker.HALF_OPEN and self._trials_passed:
            self.state = Breaker.CLOSED

    def unreached(self, now: float) -> None:
        """A message didn't get through, or nobody knows whether it did."""
        self._in_a_row += 1
        self._lately.append(True)
        if self.state is Breaker.OPEN:
            return  # it left before
        is_bad = self._in_a_row >= OUTAGE_AFTER or (
            len(self._lately) == SHARE_OF and sum(self._lately) >= SHARE * SHARE_OF
        )
        if self.state is Breaker.HALF_OPEN or is_bad:
            self._open(now)

    def _open(self, now: float) -> None:
        if self.state is Breaker.CLOSED:
            is_relapse = now - self._closed_at < RELAPSE_SECONDS
            self._trials_to_close = (
                min(2 * self._trials_to_close, MOST_TRIALS_TO_CLOSE) if is_relapse else TRIALS_TO_CLOSE
            )
        grown = GROWTH * self._pause if self._pause else OUTAGE_PAUSE_SECONDS
        self._pause = min(grown, LONGEST_PAUSES * OUTAGE_PAUSE_SECONDS)
        self.state, self.retry_at, self._trials_passed = Breaker.OPEN, now + self._pause, 0


@dataclass(slots=True)
class Throttled:
    """How long a sender has been told that it is too fast without getting anything through."""

    _since: float | None = field(default=None, init=False)
    _times: int = field(default=0, init=False)

    def got_through(self) -> None:
        """A message was taken."""
        self._since, self._times = None, 0

    def is_too_long(self, now: float) -> bool:
        """Told once more: whether it has gone on for so long that a person should look."""
        self._times += 1
        if self._since is None:
            self._since = now
        return self._times >= FEWEST_THROTTLED and now - self._since >= THROTTLED_TOO_LONG_SECONDS
