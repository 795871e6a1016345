"""Sends the answers to STOP and START for one sender, at its pace and before its campaigns' messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

from tulia.audience import confirmations
from tulia.audience.confirmations import DueConfirmation, Settled
from tulia.channels import standing
from tulia.channels.adapter import Adapter, Connection, Withheld
from tulia.channels.types import Accepted, FailureKind, OutgoingMessage, Uncertain
from tulia.core import clock, failpoints, logs
from tulia.core.threads import DatabaseThreads
from tulia.dispatch.departure import Departure, TurnsOfLoop
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger import reference
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)
MOST_ATTEMPTS = 5
PAUSE = timedelta(seconds=30)
_AGAIN = (FailureKind.TRANSIENT, FailureKind.THROTTLED)


class Confirmations:
    """The confirmations of one sender; each is sent at most once, whatever happens to this process."""

    def __init__(
        self, connection: Connection, adapter: Adapter, database: DatabaseThreads, *, journal: WireJournal | None
    ) -> None:
        self._tenant_id, self._sender_id = connection.tenant_id, connection.sender_id
        self._adapter = adapter
        self._database = database
        self._journal = journal
        self._worker_id = journal.worker_id if journal else None
        self.are_due = False
        """Whether there is anything to send."""

    async def take(self, room: int) -> tuple[DueConfirmation, ...]:
        """Claims up to `room` confirmations, which are to be given to `send`."""
        due = await self._database.insist(self._claim, room)
        self.are_due = len(due) == room
        return due

    def _claim(self, room: int) -> tuple[DueConfirmation, ...]:
        """By the time of this try: the database may have been away for hours since the last one. None if another worker has
        the sender, as with `ledger.claim`."""
        tenant_id, sender_id, worker_id = self._tenant_id, self._sender_id, self._worker_id
        with tenant_scope(tenant_id):
            if worker_id is not None and not standing.keep(tenant_id, sender_id, worker_id):
                return ()
            return confirmations.claim(tenant_id, sender_id, now=clock.now(), batch=room, worker_id=worker_id)

    async def send(
        self, due: tuple[DueConfirmation, ...], turns: TurnsOfLoop, may_leave: Callable[[], Awaitable[bool]]
    ) -> None:
        """Sends claimed confirmations, which the pacer has given leave to, and writes what became of them."""
        failpoints.reached("confirmation_taken")
        settled = await asyncio.gather(*(self._send_one(one, turns, may_leave) for one in due))
        failpoints.reached("confirmation_sent")
        await self._settle(settled)

    async def _settle(self, settled: Sequence[Settled]) -> None:
        """Writes it all at once; one that can't be written is unknown, and doesn't take the rest along."""
        # Those may be claimed, and be on the wire again, as soon as it is written; that none was taken is certain already.
        self._forget(one for one in settled if one.state == "waiting")
        try:
            await self._database.insist(confirmations.settle, self._tenant_id, settled, now=clock.now())
        except Exception:
            _log.exception("confirmations_not_settled", count=len(settled))
            if len(settled) > 1:
                for one in settled:
                    await self._settle([one])
            elif settled[0] != (unknown := Settled(settled[0].id, settled[0].attempt, "unknown")):
                await self._settle([unknown])
        else:
            self._forget(one for one in settled if one.state != "waiting")

    def _forget(self, settled: Iterable[Settled]) -> None:
        if self._journal is not None:
            self._journal.forget([-one.id for one in settled])

    async def _send_one(
        self, one: DueConfirmation, turns: TurnsOfLoop, may_leave: Callable[[], Awaitable[bool]]
    ) -> Settled:
        departure = Departure(turns, self._journal, -one.id, may_leave=may_leave)
        outgoing = OutgoingMessage(to=one.phone, reference=reference.of_confirmation(one.id), text=one.text)
        try:
            outcome = await self._adapter.send(outgoing, on_wire=departure)
        except Withheld:
            return Settled(one.id, one.attempt, "waiting", due_at=clock.now())
        except Exception:
            _log.exception("confirmation_crashed", confirmation_id=one.id)
            return Settled(one.id, one.attempt, "unknown")
        finally:
            departure.close()
        if isinstance(outcome, Accepted):
            return Settled(one.id, one.attempt, "sent", message_id=outcome.message_id)
        if isinstance(outcome, Uncertain):
            return Settled(one.id, one.attempt, "unknown")
        code = outcome.failure.code[:40]
        if outcome.failure.kind in _AGAIN and one.attempt < MOST_ATTEMPTS:
            return Settled(one.id, one.attempt, "waiting", failure_code=code, due_at=clock.now() + PAUSE * one.attempt)
        _log.warning("confirmation_refused", confirmation_id=one.id, code=code)
        return Settled(one.id, one.attempt, "failed", failure_code=code)
