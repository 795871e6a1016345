"""When to stop trying for a while, and how to begin again (pure; time comes in as seconds)."""

from __future__ import annotations

from dataclasses import dataclass, field

OUTAGE_AFTER = 20  # messages in a row that didn't get through to the provider
OUTAGE_PAUSE_SECONDS = 5.0


@dataclass(slots=True)
class OutageBreaker:
    """Whether one sender gets through to its provider."""

    _unreached_in_a_row: int = field(default=0, init=False)
    _resting_until: float = field(default=float("-inf"), init=False)

    @property
    def is_outage(self) -> bool:
        """Whether nobody gets through to the provider at the moment: then one message at a time tries the way."""
        return self._unreached_in_a_row >= OUTAGE_AFTER

    def is_resting(self, now: float) -> bool:
        """Whether nothing at all may be sent."""
        return now < self._resting_until

    def reached(self) -> None:
        """The provider said something of a message."""
        self._unreached_in_a_row = 0

    def unreached(self, now: float) -> None:
        """A message didn't get through, or nobody knows whether it did."""
        self._unreached_in_a_row += 1
        if self.is_outage:
            self._resting_until = max(self._resting_until, now + OUTAGE_PAUSE_SECONDS)
