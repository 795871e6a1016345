"""Sends for one sender: claims micro-batches, posts them, records what became of them.

The one place where the synchronous database and the asynchronous network meet. A sender has one dispatcher at a time
(it holds the sender's lock), so the rate is exact without any distributed limiter and campaigns share it in turns.
The parts: `courses` knows the campaigns, `composing` makes a message, `pacing` says when it may leave, `settling` what
follows from the answer, `breakers` when to stop trying, `outcomes` writes it down.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time

from tulia.campaigns import render
from tulia.channels import standing
from tulia.channels.adapter import Adapter, Connection, Withheld
from tulia.channels.types import SendOutcome, Uncertain
from tulia.core import clock, failpoints, logs
from tulia.core.threads import DatabaseThreads
from tulia.core.trace import Trace, WireReader
from tulia.dispatch import looking
from tulia.dispatch.breakers import OutageBreaker
from tulia.dispatch.composing import Composer
from tulia.dispatch.confirmations import Confirmations
from tulia.dispatch.courses import Course, Courses
from tulia.dispatch.departure import Departure, TurnsOfLoop
from tulia.dispatch.in_flight import InFlight
from tulia.dispatch.outcomes import Outcomes
from tulia.dispatch.pacing import WINDOW_SECONDS, Crowding, MostInFlight, MostOnWire, Pacer
from tulia.dispatch.published import Published
from tulia.dispatch.settling import Settling
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger.claim import ClaimedPerson
from tulia.ledger.reconcile import Disowned

_log = logs.get(__name__)
LARGEST_BATCH = 400
REFRESH_SECONDS = 0.5
IDLE_SECONDS = 0.2
MEASURE_SECONDS = 0.1
RELEASE_SECONDS = 2.0
AWAY_SECONDS = 5.0
ASKING_SECONDS = 2.0
MOST_ASKED = 2  # a database that always answers too late must not stop the sending: then its last answer is gone by
KNOWN_SECONDS = WINDOW_SECONDS / 2
"""So long after it was certain that the sender is this worker's a message may leave."""


class Dispatcher:
    """One sender's dispatcher; `run` ends when there is nothing left to send, or soon after `stop`."""

    def __init__(
        self,
        connection: Connection,
        adapter: Adapter,
        database: DatabaseThreads,
        *,
        journal: WireJournal | None = None,
        crowding: Crowding | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        """Without a `journal` whoever is in flight when the process is killed is unknown, sent or not. `crowding` is that
        of the process; `pacer` that of the sender's last dispatcher, if it was in this process a moment ago."""
        self.connection = connection
        self._adapter = adapter
        self._database = database
        self._journal = journal
        self._crowding = crowding or Crowding()
        tenant_id, sender_id = connection.tenant_id, connection.sender_id
        self._in_flight = InFlight()
        self._most_in_flight = MostInFlight(connection.rate_per_second)
        self._is_paced_on = pacer is not None
        self.pacer = pacer or Pacer(connection.rate_per_second)
        self._turns = TurnsOfLoop(self.pacer)
        self._breaker = OutageBreaker()
        self._outcomes = Outcomes(
            tenant_id, sender_id, database, on_written=journal.forget if journal else lambda _: None
        )
        self._worker_id = journal.worker_id if journal else None
        self._on_the_wire: WireReader = journal.on_the_wire if journal else lambda _: Trace.LOST
        self._confirmations = Confirmations(connection, adapter, database, journal=journal)
        self._courses = Courses(tenant_id, sender_id, database, self._in_flight)
        self._published = Published(tenant_id, sender_id, database)
        self._composer = Composer(tenant_id)
        self._settling = Settling(
            self._courses,
            self._outcomes,
            pacer=self.pacer,
            most_in_flight=self._most_in_flight,
            breaker=self._breaker,
            in_flight=self._in_flight,
        )
        self._most_on_wire = MostOnWire()
        self._measured_at = (time.monotonic(), time.process_time())
        self._released_at = -RELEASE_SECONDS
        self._taken_over_at = clock.now()
        self._left_to_others_at: float | None = None
        """When it was last seen that another worker, which lives, has people of this sender; None when none has."""
        self._looked_at = time.monotonic()
        self._is_paused = False
        self._is_stopping = False
        self._ours_at = float("-inf")
        """When it was last certain that the sender is this worker's."""
        self._asking = asyncio.Lock()

    def stop(self) -> None:
        """No more claims. Who waits for a lane waits in the ledger again; what is on the wire is finished and recorded
        before `run` returns."""
        self._is_stopping = True

    async def run(self) -> None:
        await self._take_over()
        recording = asyncio.create_task(self._outcomes.run())
        try:
            await self._send_everything()
        finally:
            await self._in_flight.landed()
            self._outcomes.finish()
            await recording
            await self._release_stranded()
        if not self._settling.is_refused:
            self._breaker.conclude()
            await self._published.tell(self._breaker, self._courses)
        await self._courses.complete()
        if self._worker_id is not None and self._left_to_others_at is None:
            tenant_id, sender_id = self.connection.tenant_id, self.connection.sender_id
            await self._database.insist(standing.settled, tenant_id, sender_id, self._worker_id)

    async def _take_over(self) -> None:
        """Settles whom a dispatcher before this one left in the middle."""
        failpoints.reached("taken_over")
        tenant_id, sender_id, worker_id = self.connection.tenant_id, self.connection.sender_id, self._worker_id
        # Asked apart: a taking over that is repeated because its answer got lost finds this worker itself.
        was_ours = False
        if self._is_paced_on and worker_id is not None:
            was_ours = await self._database.insist(standing.keep, tenant_id, sender_id, worker_id)
        legacy = await self._database.insist(
            looking.take_over,
            tenant_id,
            sender_id,
            worker_id,
            self._on_the_wire,
        )
        failpoints.reached("disowned")
        # What this process remembers of the last second is not all of it when another has sent in between.
        was_ours = was_ours and legacy.before.worker_id == worker_id
        if legacy.before.was_sending_just_now and not was_ours:
            # The other may live, and not have heard of this yet: then its last message leaves a little later.
            self.pacer.hold(time.monotonic() + KNOWN_SECONDS + WINDOW_SECONDS)
        self._taken_over_at = legacy.at
        self._note_left(legacy.left)

    def _note_left(self, left: Disowned) -> None:
        self._left_to_others_at = time.monotonic() if left.left_count else None
        self._tell_of("interrupted_sends", left)

    async def _settle_others(self) -> None:
        """Sees whether the other workers have settled their people, or died over it."""
        tenant_id, sender_id = self.connection.tenant_id, self.connection.sender_id
        self._note_left(
            await self._database.insist(
                looking.settle_others,
                tenant_id,
                sender_id,
                self._worker_id,
                self._on_the_wire,
                since=self._taken_over_at,
            )
        )

    async def _release_stranded(self) -> None:
        """Puts back whom a claim took whose answer got lost with its connection. Call with nothing in flight here."""
        self._released_at = time.monotonic()
        if self._journal is None:
            return
        left = await self._database.insist(
            looking.release,
            self.connection.tenant_id,
            self.connection.sender_id,
            self._journal.worker_id,
            self._on_the_wire,
        )
        self._tell_of("stranded_by_a_lost_answer", left)

    def _tell_of(self, event: str, left: Disowned) -> None:
        if left != Disowned(0, 0):
            _log.warning(
                event,
                sender_id=str(self.connection.sender_id),
                unknown=left.unknown_count,
                never_left=left.returned_count,
                left_to_their_worker=left.left_count,
            )

    async def _send_everything(self) -> None:
        refreshed_at = -REFRESH_SECONDS
        while True:
            now = time.monotonic()
            if now - refreshed_at >= REFRESH_SECONDS:
                await self._refresh()
                refreshed_at = now
                if not self._courses and not self._confirmations.are_due and self._left_to_others_at is None:
                    return
            if self._is_stopping or self._settling.is_refused:
                return
            course = self._courses.whose_turn(now)
            room = self._room(now)
            if not (course or self._confirmations.are_due) or self._breaker.is_resting(now):
                await asyncio.sleep(IDLE_SECONDS)
            elif room < 1:
                await asyncio.sleep(max(0.001, min(self.pacer.wait(now), 0.1)))
            elif self._confirmations.are_due:
                await self._send_confirmations(room)
            elif course:
                await self._send_some(course, room)

    async def _refresh(self) -> None:
        """Sees what is to be sent now, and how; campaigns that have nobody left are completed."""
        seen = await self._database.insist(looking.look, self.connection.tenant_id, self.connection.sender_id)
        sender = seen.sender
        if time.monotonic() - self._looked_at > AWAY_SECONDS:
            # The database was away: others had no more time to write than this worker.
            self._taken_over_at = clock.now()
        self._looked_at = time.monotonic()
        if sender is not None and self._worker_id not in (None, sender.dispatched_by):
            # Another wrote its name without the lock (it had lost it, and repeated what it was at). Begins anew: with the lock.
            self.stop()
            return
        if self._left_to_others_at is not None and time.monotonic() - self._left_to_others_at >= RELEASE_SECONDS:
            await self._settle_others()
        if sender is None or not self._takes_over(sender.connection):
            self.stop()
            return
        if sender.paused_reason:
            await self._rest(sender.paused_reason)
            return
        self._is_paused = False
        if not self._published.is_begun:
            self._published.begin(self._breaker, sender.breaker_state)
        await self._courses.take_over(seen.sending)
        await self._published.tell(self._breaker, self._courses)
        if not self._in_flight and not self._outcomes:
            if self._courses.are_some_drained and time.monotonic() - self._released_at >= RELEASE_SECONDS:
                await self._release_stranded()
            await self._courses.complete_drained()
        self._confirmations.are_due = seen.are_confirmations_due

    async def _rest(self, reason: str) -> None:
        """The sender is paused: nothing goes out. It is only stayed with for people of others who are to be settled."""
        if not self._is_paused:
            await self._courses.remark(f"The sender is paused: {reason}")
            self._is_paused = True
        if self._left_to_others_at is None:
            self.stop()
        else:
            await self._courses.take_over(())
            self._confirmations.are_due = False

    def _takes_over(self, connection: Connection) -> bool:
        """Takes over another rate; False for another address or secret, with which another dispatcher begins."""
        rate = connection.rate_per_second
        self.pacer.change_limit(rate)
        self._most_in_flight.rate = rate
        return dataclasses.replace(connection, rate_per_second=self.connection.rate_per_second) == self.connection

    def _measure(self, now: float) -> None:
        """Sees every tenth of a second how busy this process is, and how much at once is best for it."""
        since, at_work = self._measured_at
        if now - since >= MEASURE_SECONDS:
            self._measured_at = (now, time.process_time())
            self._most_on_wire.measured(
                (self._measured_at[1] - at_work) / (now - since), are_some_waiting=self._in_flight.are_some_waiting
            )
            self._in_flight.widen(self._most_on_wire.count)

    def _room(self, now: float) -> int:
        """How many messages may go out now."""
        self._measure(now)
        if self._breaker.is_outage:  # one message at a time tries the way, so that few get lost on it
            return 0 if self._in_flight else min(self.pacer.room(now), 1)
        most = max(1, int(self._most_in_flight.count * self._crowding.share) - self._breaker.doubt)
        room = min(self.pacer.room(now), LARGEST_BATCH, max(1, most // 2))
        # A claim costs the same for one as for many: wait for room for all that the pace allows.
        if most - len(self._in_flight) < room:
            return 0
        if self._most_in_flight.most_unsettled - len(self._in_flight) - len(self._outcomes) < room:
            self._outcomes.hurry()
            return 0
        return room

    async def _send_confirmations(self, room: int) -> None:
        self.pacer.take(room)
        taken, begun = 0, time.monotonic()
        try:
            due = await self._confirmations.take(room)
            taken = len(due)
        finally:
            self.pacer.give_back(room - taken)
        if due:
            may_leave = functools.partial(self._may_leave, begun)
            self._in_flight.begin(self._confirmations.send(due, self._turns, may_leave))

    async def _send_some(self, course: Course, room: int) -> None:
        self.pacer.take(room)
        taken, begun = 0, time.monotonic()
        try:
            claimed = await self._courses.claim(course, room=room, worker_id=self._worker_id)
            # A claim that brings nobody proves nothing: that is what it does when another has the sender.
            is_ours = bool(claimed.people) and await self._is_still_ours(begun)
            taken = len(claimed.people) if is_ours else 0
        finally:
            self.pacer.give_back(room - taken)
        for person in claimed.people:
            if is_ours:
                self._in_flight.send(functools.partial(self._send_one, course, person, begun))
            else:
                self._settling.return_unsent(person)
        if claimed.over_budget_count:
            await self._courses.stop_at_budget(course)

    async def _is_still_ours(self, since: float) -> bool:
        """Whether nobody else can be sending by now: whoever takes the sender over lets a second pass, and this process
        may have stood still for longer than that since the claim, which was only made because the sender was ours."""
        self._ours_at = max(self._ours_at, since)
        if self._worker_id is None or not self._is_long_ago(self._ours_at):
            return True
        async with self._asking:  # once for all that wait
            for _ in range(MOST_ASKED):
                if self._is_stopping or not self._is_long_ago(self._ours_at):
                    break
                asked, tenant_id, sender_id = time.monotonic(), self.connection.tenant_id, self.connection.sender_id
                if await self._database.insist(standing.keep, tenant_id, sender_id, self._worker_id):
                    self._ours_at = asked
                else:
                    self.stop()
            else:
                if self._is_long_ago(self._ours_at):
                    self._ours_at = time.monotonic()
        return not self._is_stopping

    async def _may_leave(self, claimed_at: float) -> bool:
        """As `_is_still_ours`, of a message whose connection is open: that isn't kept until the database is back."""
        if not self._is_long_ago(claimed_at):
            return True
        try:
            async with asyncio.timeout(ASKING_SECONDS):
                return await self._is_still_ours(claimed_at)
        except TimeoutError:
            return False

    @staticmethod
    def _is_long_ago(at: float) -> bool:
        return time.monotonic() - at >= KNOWN_SECONDS

    async def _send_one(self, course: Course, person: ClaimedPerson, claimed_at: float) -> None:
        # It may have waited for its lane, and will for a connection. When this worker is to stop, or isn't the sender's any
        # more, another sends it.
        may_leave = functools.partial(self._may_leave, claimed_at)
        departure = Departure(self._turns, self._journal, person.recipient_id, may_leave=may_leave)
        if self._is_stopping or not await self._is_still_ours(claimed_at):
            departure.close()
            self._settling.return_unsent(person)
            return
        if self._settling.holds_back(course, person):
            departure.close()
            return
        try:
            failpoints.reached("to_be_made")
            outgoing = self._composer.compose(course, person)
        except Exception as error:
            if not isinstance(error, render.Unrenderable):  # a bug of ours, isolated to one message
                _log.exception("message_not_made", recipient_id=person.recipient_id)
            departure.close()
            self._settling.unmade(person)
            return
        try:
            outcome: SendOutcome = await self._adapter.send(outgoing, on_wire=departure)
        except Withheld:
            departure.close()
            self._settling.return_unsent(person)
            return
        except Exception:
            # A bug of ours, isolated to one message; whether bytes went out is not known.
            _log.exception("send_crashed", recipient_id=person.recipient_id)
            outcome = Uncertain("our own mistake")
        failpoints.reached("answered")
        departure.close()
        self._settling.settle(course, person, outcome, departure)
