"""The moment at which a message really leaves: its bytes are about to be written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tulia.channels.adapter import Withheld
from tulia.dispatch.pacing import Pacer
from tulia.dispatch.wire_journal import WireJournal


class TurnsOfLoop:
    """Tells the pacer of messages that left once they have.

    The event loop writes at the end of its turn. Until then the process may stand still for seconds, and the message
    leaves after that: so it takes up room until a turn has begun that it was not handed over in, which can't be before it
    has left. Whether a message was handed over in this turn before or after `_turned` ran is not known, so it takes two.
    """

    __slots__ = ("_before", "_is_coming", "_lately", "_pacer")

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._lately = self._before = 0
        self._is_coming = False

    def handed_over(self) -> None:
        """The bytes of one message are given to the loop now."""
        self._lately += 1
        if not self._is_coming:
            self._is_coming = True
            asyncio.get_running_loop().call_soon(self._turned)

    def stays(self) -> None:
        """One message that was given leave won't go out."""
        self._pacer.give_back()

    def _turned(self) -> None:
        if self._before:
            self._pacer.leave(time.monotonic(), self._before)
        self._before, self._lately = self._lately, 0
        self._is_coming = self._before > 0
        if self._is_coming:
            asyncio.get_running_loop().call_soon(self._turned)


class Departure:
    """One message's leave; called by the adapter right before the first byte. `left_at` is None until then."""

    __slots__ = ("_journal", "_may_leave", "_recipient_id", "_turns", "left_at")

    def __init__(
        self,
        turns: TurnsOfLoop,
        journal: WireJournal | None = None,
        recipient_id: int = 0,
        *,
        may_leave: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """`may_leave` is asked at the last moment; the message is withheld if it says no."""
        self._turns = turns
        self._may_leave = may_leave
        self._journal = journal
        self._recipient_id = recipient_id
        self.left_at: float | None = None

    async def __call__(self) -> None:
        if self._may_leave and not await self._may_leave():
            raise Withheld
        if self._journal is not None:
            self._journal.note(self._recipient_id)
        if self.left_at is None:
            self.left_at = time.monotonic()
            self._turns.handed_over()

    def close(self) -> None:
        """There is an answer, or there won't be one: whoever never left takes up no room any more."""
        if self.left_at is None:
            self._turns.stays()
