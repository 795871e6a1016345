"""Providers limit how much one person may get from one sender; only that person waits (pure; time comes in as seconds).

Meta: one message in six seconds to a person, bursts borrowed and paid back; after 131056 wait 4^x seconds, x = 0, 1, 2…
(page "Throughput", read September 2026). The limit is of the person, not of the message: their messages of other
campaigns wait too.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

LONGEST_SECONDS = 256.0
FORGOTTEN_AFTER_SECONDS = 900.0
MOST_KEPT = 10_000


@dataclass(slots=True)
class _Waiting:
    until: float
    times: int


class PairLimits:
    """Who is over the limit of one sender, and until when. Flat: of more than 10,000 people the earliest are forgotten,
    and would hear of their limit from the provider once more."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def hit(self, customer_id: UUID, now: float, *, chance: float) -> float:
        """The provider refused a message to this person: the seconds to wait, 1, 4, 16, 64, 256 and up to a fifth more."""
        known = self._waiting.pop(customer_id, None)
        times = known.times + 1 if known and now - known.until < FORGOTTEN_AFTER_SECONDS else 1
        seconds = min(4.0 ** min(times - 1, 4), LONGEST_SECONDS) * (1 + 0.2 * chance)
        self._waiting[customer_id] = _Waiting(now + seconds, times)
        if len(self._waiting) > MOST_KEPT:
            del self._waiting[next(iter(self._waiting))]
        return seconds

    def wait(self, customer_id: UUID, now: float) -> float:
        """Seconds until this person may be written to; 0 for almost everybody."""
        known = self._waiting.get(customer_id)
        return max(0.0, known.until - now) if known else 0.0

    def passed(self, customer_id: UUID) -> None:
        """A message to this person was taken: nothing is held against them any more."""
        self._waiting.pop(customer_id, None)
