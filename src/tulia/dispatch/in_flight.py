"""What a dispatcher has begun and must see to its end before it may stop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from tulia.core import logs
from tulia.dispatch.pacing import FEWEST_ON_WIRE

_log = logs.get(__name__)


class InFlight:
    """Messages on their way, in lanes of one after the other, and the acts that follow from them, each a task."""

    def __init__(self) -> None:
        self._lanes: set[asyncio.Task[None]] = set()
        self._acts: set[asyncio.Task[None]] = set()
        self._waiting: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._messages = 0
        self._open = 0
        """Lanes that take another message after theirs: a task is one of `_lanes` for a little longer than that."""
        self._most_on_wire = FEWEST_ON_WIRE

    def __len__(self) -> int:
        return self._messages + len(self._acts)

    @property
    def are_some_waiting(self) -> bool:
        """Whether more messages would be on the wire if more might be."""
        return self._messages > self._open

    def send(self, message: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """As `begin`, for a message: it is begun as soon as fewer are under way than may be at once."""
        self._waiting.append(message)
        self._messages += 1
        self._open_lanes(1)

    def widen(self, most_on_wire: int) -> None:
        """So many messages may be under way at once from now on; who is over waits for one of them to be answered."""
        self._most_on_wire = most_on_wire
        self._open_lanes(self._messages - self._open)

    def _open_lanes(self, wanted: int) -> None:
        for _ in range(min(wanted, self._most_on_wire - self._open)):
            self._open += 1
            _begin(self._lane(), self._lanes)

    async def _lane(self) -> None:
        """One message at a time, until none waits: a task for each would cost as much as all that is done for it here."""
        try:
            while self._waiting and self._open <= self._most_on_wire:
                try:
                    await self._waiting.popleft()()
                except Exception:  # a bug of ours, isolated to one message
                    _log.exception("message_dropped")
                finally:
                    self._messages -= 1
        finally:
            self._open -= 1

    def begin(self, act: Coroutine[Any, Any, None]) -> None:
        """Starts the act beside everything else."""
        _begin(act, self._acts)

    async def landed(self) -> None:
        """Waits until nothing is left, not even what came of what was."""
        while under_way := self._lanes | self._acts:
            await asyncio.wait(under_way)


def _begin(act: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
    """As a task that is one of these until it is done."""
    task = asyncio.create_task(act)
    among.add(task)
    task.add_done_callback(among.discard)
