"""Everything that is still to happen, in one heap with one timer."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

_Entry = tuple[float, int, Callable[..., None], tuple[Any, ...]]
_PER_TICK = 500


class Timeline:
    """Runs acts when their moment comes on a clock that may be faster than the real one.

    `clock` tells the present moment; `speed` how many of its seconds pass in a real one (0: it stands still);
    `grain` is the shortest real pause between two ticks, so that neighbours in time share a wake-up.
    """

    __slots__ = ("_armed", "_armed_for", "_clock", "_grain", "_heap", "_loop", "_order", "_speed")

    def __init__(self, clock: Callable[[], float], speed: Callable[[], float], grain: float) -> None:
        self._clock = clock
        self._speed = speed
        self._grain = grain
        self._heap: list[_Entry] = []
        self._order = 0
        self._loop = asyncio.get_running_loop()
        self._armed: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_due(self) -> float | None:
        """The moment of the earliest act."""
        return self._heap[0][0] if self._heap else None

    def at(self, due: float, act: Callable[..., None], *args: Any) -> None:
        """Call ``act(*args)`` at the moment `due`."""
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, act, args))
        if self._armed is None or due < self._armed_for:
            self._arm()

    def run_due(self) -> int:
        """Run what is due, but not so much at once that others wait long; how many acts ran."""
        now = self._clock()
        heap = self._heap
        ran = 0
        while heap and heap[0][0] <= now and ran < _PER_TICK:
            _, _, act, args = heapq.heappop(heap)
            ran += 1
            act(*args)
        return ran

    def rearm(self) -> None:
        """Look at the clock again after it was moved or its speed changed."""
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None
        self._arm()

    def clear(self) -> None:
        """Forget everything that was to happen."""
        self._heap.clear()
        self.rearm()

    def _arm(self) -> None:
        if not self._heap:
            return
        speed = self._speed()
        if speed <= 0.0:
            return
        due = self._heap[0][0]
        wait = max(self._grain, (due - self._clock()) / speed)
        wake = self._clock() + wait * speed
        if self._armed is not None:
            if wake >= self._armed_for - self._grain * speed:
                return
            self._armed.cancel()
        self._armed_for = wake
        self._armed = self._loop.call_later(wait, self._tick)

    def _tick(self) -> None:
        self._armed = None
        try:
            self.run_due()
        finally:
            self._arm()
