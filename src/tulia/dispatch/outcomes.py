"""What became of the messages in flight, gathered and written in batches as it comes in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from uuid import UUID

from tulia.core import failpoints, logs
from tulia.core.threads import DatabaseThreads
from tulia.ledger import claim, record
from tulia.ledger.claim import PutBack
from tulia.ledger.record import Evidence

_log = logs.get(__name__)
GATHER_SECONDS = 0.05
LARGEST_WRITE = 1_000


class Outcomes:
    """Takes outcomes from many sends and writes them, up to a thousand at a time; `run` until `finish`."""

    def __init__(
        self,
        tenant_id: UUID,
        sender_id: UUID,
        database: DatabaseThreads,
        *,
        on_written: Callable[[Iterable[int]], None] = lambda _: None,
    ) -> None:
        """`on_written` is told whose outcomes the ledger has now, and who is to be put back: a kill before that is written
        does the same for them."""
        self._on_written = on_written
        self._tenant_id = tenant_id
        self._sender_id = sender_id
        self._database = database
        self._evidence: list[Evidence] = []
        self._returned: list[PutBack] = []
        self._unknown: list[int] = []
        self._skipped: list[int] = []
        self._being_written = 0
        self._is_finishing = False
        self._is_wanted = asyncio.Event()

    def __len__(self) -> int:
        """How many were given that the ledger doesn't have yet."""
        waiting = len(self._evidence) + len(self._returned) + len(self._unknown) + len(self._skipped)
        return waiting + self._being_written

    def hurry(self) -> None:
        """Somebody waits for what is there to be in the ledger: it is not gathered any longer."""
        self._is_wanted.set()

    def record(self, evidence: Evidence) -> None:
        self._evidence.append(evidence)

    def put_back(self, returned: PutBack) -> None:
        self._returned.append(returned)

    def unknown(self, recipient_id: int) -> None:
        self._unknown.append(recipient_id)

    def skip(self, recipient_id: int) -> None:
        self._skipped.append(recipient_id)

    def finish(self) -> None:
        """Nothing more will come: `run` writes what is left and returns."""
        self._is_finishing = True
        self.hurry()

    async def run(self) -> None:
        while self or not self._is_finishing:
            wrote = await self._write()
            if not wrote or len(self._evidence) < LARGEST_WRITE:
                await self._gather()

    async def _gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                await self._is_wanted.wait()
        if not self._is_finishing:
            self._is_wanted.clear()

    async def _record(self, evidence: list[Evidence]) -> None:
        """Records all of it at once; evidence that can't be written doesn't take the rest along."""
        try:
            await self._database.insist(record.record, self._tenant_id, self._sender_id, evidence)
            failpoints.reached("recorded")
            self._on_written([one.recipient_id for one in evidence])
        except Exception:
            _log.exception("evidence_not_recorded", count=len(evidence))
            if len(evidence) == 1:
                self._unknown.append(evidence[0].recipient_id)
            else:
                for one in evidence:
                    await self._record([one])

    async def _write(self) -> bool:
        """Writes what is there; False when there was nothing. What is taken out is written, whatever the database does."""
        try:
            evidence, self._evidence = self._evidence[:LARGEST_WRITE], self._evidence[LARGEST_WRITE:]
            returned, self._returned = self._returned, []
            unknown, self._unknown = self._unknown, []
            skipped, self._skipped = self._skipped, []
            self._being_written = len(evidence) + len(returned) + len(unknown) + len(skipped)
            if evidence:
                failpoints.reached("to_be_recorded")
                await self._record(evidence)
            if returned:
                failpoints.reached("to_be_put_back")
                # Before it is written: from then on they may be claimed, and be on the wire again. That the provider took
                # none of them is certain already.
                self._on_written([one.recipient_id for one in returned])
                await self._database.insist(claim.put_back, self._tenant_id, returned)
                failpoints.reached("put_back")
            if unknown:
                failpoints.reached("to_be_unknown")
                await self._database.insist(record.mark_unknown, self._tenant_id, unknown)
                failpoints.reached("unknown_noted")
            if skipped:
                await self._database.insist(record.skip_unrendered, self._tenant_id, skipped)
            self._on_written([*unknown, *skipped])
            failpoints.reached("forgotten")
        finally:
            self._being_written = 0
        return bool(evidence or returned or unknown or skipped)
