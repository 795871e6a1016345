"""Sends for one sender: claims micro-batches, posts them, records what became of them.

The one place where the synchronous database and the asynchronous network meet. A sender has one dispatcher at a time
(it holds the sender's lock), so the rate is exact without any distributed limiter and campaigns share it in turns.
The parts: `courses` knows the campaigns, `composing` makes a message, `pacing` says when it may leave, `settling` what
follows from the answer, `outcomes` writes it down.
"""

from __future__ import annotations

import asyncio
import functools
import time

from tulia.campaigns import render
from tulia.channels.adapter import Adapter, Connection, OnWire
from tulia.channels.types import SendOutcome, Uncertain
from tulia.core import clock, logs
from tulia.core.threads import DatabaseThreads
from tulia.dispatch.breakers import OutageBreaker
from tulia.dispatch.composing import Composer
from tulia.dispatch.confirmations import Confirmations
from tulia.dispatch.courses import Course, Courses
from tulia.dispatch.in_flight import InFlight
from tulia.dispatch.outcomes import Outcomes
from tulia.dispatch.pacing import Pacer
from tulia.dispatch.settling import Settling
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger import reconcile
from tulia.ledger.claim import ClaimedPerson

_log = logs.get(__name__)
LARGEST_BATCH = 200
REFRESH_SECONDS = 0.5
IDLE_SECONDS = 0.2


class Dispatcher:
    """One sender's dispatcher; `run` ends when there is nothing left to send, or soon after `stop`."""

    def __init__(
        self, connection: Connection, adapter: Adapter, database: DatabaseThreads, *, journal: WireJournal | None = None
    ) -> None:
        """Without a `journal` whoever is in flight when the process is killed is unknown, sent or not."""
        self.connection = connection
        self._adapter = adapter
        self._database = database
        self._journal = journal
        tenant_id, sender_id = connection.tenant_id, connection.sender_id
        self._in_flight = InFlight()
        self._most_in_flight = max(32, min(512, 2 * connection.rate_per_second))
        self._pacer = Pacer(connection.rate_per_second)
        self._breaker = OutageBreaker()
        self._outcomes = Outcomes(
            tenant_id, sender_id, database, on_written=journal.forget if journal else lambda _: None
        )
        self._confirmations = Confirmations(connection, adapter, database)
        self._courses = Courses(tenant_id, sender_id, database, self._in_flight)
        self._composer = Composer(tenant_id)
        self._settling = Settling(self._courses, self._outcomes, self._pacer, self._breaker, self._in_flight)
        self._is_stopping = False

    def stop(self) -> None:
        """No more claims; what is in flight is finished and recorded before `run` returns."""
        self._is_stopping = True

    async def run(self) -> None:
        await self._disown()
        await self._confirmations.take_over()
        recording = asyncio.create_task(self._outcomes.run())
        try:
            await self._send_everything()
        finally:
            await self._in_flight.landed()
            self._outcomes.finish()
            await recording
        await self._courses.complete()

    async def _disown(self) -> None:
        """Settles whom a dispatcher before this one left in the middle."""
        left = await self._database.insist(
            reconcile.disown,
            self.connection.tenant_id,
            self.connection.sender_id,
            now=clock.now(),
            on_the_wire=self._journal.of_dead_worker if self._journal else lambda _: None,
        )
        if left.unknown_count or left.returned_count:
            _log.warning(
                "interrupted_sends",
                sender_id=str(self.connection.sender_id),
                unknown=left.unknown_count,
                never_left=left.returned_count,
            )

    async def _send_everything(self) -> None:
        refreshed_at = -REFRESH_SECONDS
        while not (self._is_stopping or self._settling.is_stopped):
            now = time.monotonic()
            if now - refreshed_at >= REFRESH_SECONDS:
                await self._refresh()
                refreshed_at = now
                if not self._courses and not self._confirmations.are_due:
                    return
            course = self._courses.whose_turn(now)
            room = self._room(now)
            if not (course or self._confirmations.are_due) or self._breaker.is_resting(now):
                await asyncio.sleep(IDLE_SECONDS)
            elif room < 1:
                await asyncio.sleep(max(0.001, min(self._pacer.wait(), 0.1)))
            elif self._confirmations.are_due:
                await self._send_confirmations(room)
            elif course:
                await self._send_some(course, room)

    async def _refresh(self) -> None:
        """Sees what is to be sent now; campaigns that have nobody left are completed."""
        await self._courses.look()
        if not self._in_flight and self._outcomes.is_empty:
            await self._courses.complete_drained()
        await self._confirmations.look()

    def _room(self, now: float) -> int:
        """How many messages may go out now."""
        room = min(self._pacer.room(now), LARGEST_BATCH)
        if self._most_in_flight - len(self._in_flight) < room:
            room = 0  # a claim costs the same for one as for many: wait for room for all that the pace allows
        if self._breaker.is_outage:  # one message at a time tries the way, so that few get lost on it
            room = 0 if self._in_flight else min(room, 1)
        return room

    async def _send_confirmations(self, room: int) -> None:
        due = await self._confirmations.take(room)
        self._pacer.room(time.monotonic())
        self._pacer.take(len(due))
        if due:
            self._in_flight.begin(self._confirmations.send(due))

    async def _send_some(self, course: Course, room: int) -> None:
        claimed = await self._courses.claim(
            course, room=room, worker_id=self._journal.worker_id if self._journal else None
        )
        self._pacer.room(time.monotonic())
        self._pacer.take(len(claimed.people))
        for person in claimed.people:
            self._in_flight.begin(self._send_one(course, person))
        if claimed.over_budget_count:
            await self._courses.stop_at_budget(course)

    async def _send_one(self, course: Course, person: ClaimedPerson) -> None:
        try:
            outgoing = self._composer.compose(course, person)
        except Exception as error:
            if not isinstance(error, render.Unrenderable):  # a bug of ours, isolated to one message
                _log.exception("message_not_made", recipient_id=person.recipient_id)
            self._settling.unmade(person)
            return
        if self._settling.is_called_off(course):
            self._settling.not_sent(person)
            return
        try:
            outcome: SendOutcome = await self._adapter.send(outgoing, on_wire=self._noting(person.recipient_id))
        except Exception:
            # A bug of ours, isolated to one message; whether bytes went out is not known.
            _log.exception("send_crashed", recipient_id=person.recipient_id)
            outcome = Uncertain("our own mistake")
        self._settling.settle(course, person, outcome)

    def _noting(self, recipient_id: int) -> OnWire:
        """What to call right before this person's message goes out."""
        journal = self._journal
        return functools.partial(journal.note, recipient_id) if journal else lambda: None
