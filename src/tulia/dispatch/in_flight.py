"""What a dispatcher has begun and must see to its end before it may stop."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Coroutine
from typing import Any


class InFlight:
    """Messages on their way, and the acts that follow from them, each a task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: deque[Coroutine[Any, Any, None]] = deque()
        self._on_wire = 0
        self.most_on_wire = sys.maxsize
        """How many messages may be under way at once; who is over waits, for as long as it takes to write some."""

    def __len__(self) -> int:
        return len(self._tasks) + len(self._waiting)

    def send(self, message: Coroutine[Any, Any, None]) -> None:
        """As `begin`, for a message: starts it as soon as fewer than `most_on_wire` are under way."""
        self._waiting.append(message)
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and self._on_wire < self.most_on_wire:
            self._on_wire += 1
            task = asyncio.create_task(self._waiting.popleft())
            self._tasks.add(task)
            task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_wire -= 1
        if self._waiting:
            self._start_waiting()

    def begin(self, act: Coroutine[Any, Any, None]) -> None:
        """Starts the act beside everything else."""
        task = asyncio.create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def landed(self) -> None:
        """Waits until nothing is left, not even what came of what was."""
        while self._tasks:
            await asyncio.wait(self._tasks)
