"""What a dispatcher has begun and must see to its end before it may stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class InFlight:
    """Messages on their way, and the acts that follow from them, each a task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, act: Coroutine[Any, Any, None]) -> None:
        """Starts the act beside everything else."""
        task = asyncio.create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def landed(self) -> None:
        """Waits until nothing is left, not even what came of what was."""
        while self._tasks:
            await asyncio.wait(self._tasks)
