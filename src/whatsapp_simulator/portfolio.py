"""The messaging limit: how many different people an account may reach within 24 hours outside open windows."""

from __future__ import annotations

_DAY_S = 24 * 3600.0


class Portfolio:
    """For each account the people reached in the last day, oldest first."""

    __slots__ = ("_reached",)

    def __init__(self) -> None:
        self._reached: dict[str, dict[str, float]] = {}

    def admits(self, account: str, person: str, now: float, limit: int) -> bool:
        """Whether `person` may be reached at the virtual moment `now`; counts them if so."""
        reached = self._reached.setdefault(account, {})
        while reached:
            oldest = next(iter(reached))
            if now - reached[oldest] < _DAY_S:
                break
            del reached[oldest]
        if person in reached:
            return True
        if len(reached) >= limit:
            return False
        reached[person] = now
        return True
