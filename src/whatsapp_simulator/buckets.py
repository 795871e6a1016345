"""Token buckets as one number each: the moment at which the bucket would be full again.

This is the generic cell rate algorithm. A bucket of `burst` tokens refilled every `interval` seconds is described by
its `full_at`; taking a token moves that moment one interval later.
"""

from __future__ import annotations


def take(full_at: float, now: float, interval: float, burst: float) -> tuple[bool, float]:
    """Take one token at `now` if there is one: whether there was, and the new `full_at`."""
    start = full_at if full_at > now else now
    # The tolerance of a millionth of an interval forgives rounding in a sum of many intervals.
    if start - now > (burst - 1.0 + 1e-6) * interval:
        return False, full_at
    return True, start + interval


def spend(full_at: float, now: float, interval: float, burst: float) -> float:
    """Take one token even when there is none (inbound traffic can't be refused); never owes more than one burst."""
    start = full_at if full_at > now else now
    return min(start + interval, now + 2.0 * burst * interval)


class PairBuckets:
    """One bucket for each person a number writes to; full buckets are forgotten."""

    __slots__ = ("_full_at", "_sweep_at")

    def __init__(self) -> None:
        self._full_at: dict[str, float] = {}
        self._sweep_at = 50_000

    def take(self, person: str, now: float, interval: float, burst: float) -> bool:
        """Take one token of `person`'s bucket at `now`; False when it is empty."""
        taken, full_at = take(self._full_at.get(person, 0.0), now, interval, burst)
        if taken:
            self._full_at[person] = full_at
            if len(self._full_at) > self._sweep_at:
                self._sweep(now)
        return taken

    def __len__(self) -> int:
        return len(self._full_at)

    def _sweep(self, now: float) -> None:
        self._full_at = {person: full_at for person, full_at in self._full_at.items() if full_at > now}
        self._sweep_at = max(50_000, 2 * len(self._full_at))
