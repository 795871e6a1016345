"""How fast a sender sends: never above its limit in any one-second window (pure; time comes in as seconds).

A token bucket filled a little below the limit, whose depth is small, so that messages leave evenly. In a window of one
second at most `fill · limit + depth` leave; what remains up to the limit is room for the jitter between the moment a
message leaves and the moment the provider counts it (4 % of the limit, that is 40 ms).
"""

from __future__ import annotations

from dataclasses import dataclass, field

FILL = 0.92
DEPTH = 0.04
_HALVE, _RECOVER_PER_SECOND = 0.5, 0.05


@dataclass(slots=True)
class Pacer:
    """The pace of one sender; `limit` messages a second, slowed down by throttling and recovering by itself."""

    limit: int
    _tokens: float = field(default=0.0, init=False)
    _filled_at: float = field(default=0.0, init=False)
    _share: float = field(default=1.0, init=False)
    _slowed_at: float = field(default=float("-inf"), init=False)

    @property
    def depth(self) -> float:
        """Whole messages, and for small limits a part of one beside, so that who asks a little late loses nothing.

        Chosen so that ⌊fill · limit + depth⌋ is never above the limit.
        """
        return max(1.0 + min(0.5, 0.07 * self.limit), float(int(DEPTH * self.limit)))

    @property
    def pace(self) -> float:
        """Messages a second at present."""
        return FILL * self.limit * self._share

    def room(self, now: float) -> int:
        """How many messages may leave at this moment."""
        elapsed = max(0.0, now - self._filled_at)
        self._filled_at = max(now, self._filled_at)
        self._share = min(1.0, self._share + _RECOVER_PER_SECOND * elapsed)
        self._tokens = min(self.depth, self._tokens + elapsed * self.pace)
        return int(self._tokens)

    def take(self, count: int) -> None:
        """`count` messages leave now; not more than `room` said."""
        self._tokens -= count

    def wait(self) -> float:
        """Seconds from the last `room` until one more message may leave."""
        return max(0.0, (1.0 - self._tokens) / self.pace)

    def slow_down(self, now: float) -> None:
        """The provider said that we are too fast: half the pace, at most once a second, never below one in ten seconds."""
        if now - self._slowed_at < 1.0:
            return
        self._slowed_at = now
        self._share = max(_HALVE * self._share, 0.1 / (FILL * self.limit))
        self._tokens = 0.0
