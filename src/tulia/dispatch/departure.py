"""The moment at which one message really leaves: its bytes are about to be written."""

from __future__ import annotations

import asyncio
import time

from tulia.dispatch.pacing import Pacer
from tulia.dispatch.wire_journal import WireJournal


class Departure:
    """One message's leave; called by the adapter right before the first byte. `left_at` is None until then."""

    __slots__ = ("_journal", "_pacer", "_recipient_id", "left_at")

    def __init__(self, pacer: Pacer, journal: WireJournal | None = None, recipient_id: int = 0) -> None:
        self._pacer = pacer
        self._journal = journal
        self._recipient_id = recipient_id
        self.left_at: float | None = None

    def __call__(self) -> None:
        if self._journal is not None:
            self._journal.note(self._recipient_id)
        if self.left_at is None:
            self.left_at = time.monotonic()
            # The event loop writes at the end of its turn. Until then the process may stand still for seconds, and the
            # message leaves after that: so it takes up room until the next turn, which can't begin before it has left.
            asyncio.get_running_loop().call_soon(self._gone)

    def _gone(self) -> None:
        self._pacer.leave(time.monotonic())

    def close(self) -> None:
        """There is an answer, or there won't be one: whoever never left takes up no room any more."""
        if self.left_at is None:
            self._pacer.give_back()
