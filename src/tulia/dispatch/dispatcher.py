"""Sends for one sender: claims micro-batches, posts them, records what became of them.

The one place where the synchronous database and the asynchronous network meet. A sender has one dispatcher at a time
(it holds the sender's lock), so the rate is exact without any distributed limiter and campaigns share it in turns.
"""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from tulia.campaigns import lifecycle, links, message, render, wordings
from tulia.campaigns.links import LinkMaker
from tulia.campaigns.message import Wording
from tulia.campaigns.models import MessageCampaign
from tulia.channels.adapter import Adapter, Connection, OnWire
from tulia.channels.types import Accepted, FailureKind, OutgoingMessage, Rejected, SendOutcome, Uncertain
from tulia.core import clock, crypto, failpoints, logs
from tulia.core.errors import Invalid
from tulia.core.threads import DatabaseThreads
from tulia.dispatch import retry
from tulia.dispatch.confirmations import Confirmations
from tulia.dispatch.outcomes import Outcomes
from tulia.dispatch.pacing import Pacer
from tulia.dispatch.wire_journal import WireJournal
from tulia.ledger import claim as ledger_claim
from tulia.ledger import reconcile, reference
from tulia.ledger import rules as sending_rules
from tulia.ledger.claim import ClaimedPerson, PutBack
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.rules import SendingRules
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)
LARGEST_BATCH = 200
REFRESH_SECONDS = 0.5
IDLE_SECONDS = 0.2
LONGEST_IDLE_SECONDS = 2.0
RULES_SECONDS = 2.0
OUTAGE_AFTER = 20  # messages in a row that didn't get through to the provider
OUTAGE_PAUSE_SECONDS = 5.0
CONTENT_FAILURES_BEFORE_PAUSE = 10  # in a row, for one campaign
BUDGET_USED_UP = "The budget is used up: raise budget_micros, then resume."


@dataclass(slots=True)
class _Course:
    """One campaign as the dispatcher sees it."""

    campaign: MessageCampaign
    wordings: tuple[Wording, ...]
    rules: SendingRules
    rules_read_at: float
    tracked_addresses: tuple[tuple[str, ...], ...] = ()
    refused_in_a_row: int = 0
    idle_until: float = 0.0
    is_drained: bool = False


class Dispatcher:
    """One sender's dispatcher; `run` ends when there is nothing left to send, or soon after `stop`."""

    def __init__(
        self, connection: Connection, adapter: Adapter, database: DatabaseThreads, *, journal: WireJournal | None = None
    ) -> None:
        """Without a `journal` whoever is in flight when the process is killed is unknown, sent or not."""
        self._journal = journal
        self.connection = connection
        self._adapter = adapter
        self._database = database
        self._pacer = Pacer(connection.rate_per_second)
        self._outcomes = Outcomes(
            connection.tenant_id,
            connection.sender_id,
            database,
            on_written=journal.forget if journal else lambda _: None,
        )
        self._confirmations = Confirmations(connection, adapter, database)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._most_in_flight = max(32, min(512, 2 * connection.rate_per_second))
        self._courses: dict[UUID, _Course] = {}
        self._being_paused: set[UUID] = set()
        self._unreached_in_a_row = 0
        self._resting_until = 0.0
        self._is_stopping = False
        self._link_key = crypto.derive(links.KEY_PURPOSE)

    def stop(self) -> None:
        """No more claims; what is in flight is finished and recorded before `run` returns."""
        self._is_stopping = True

    async def run(self) -> None:
        tenant_id, sender_id = self.connection.tenant_id, self.connection.sender_id
        failpoints.reached("taken_over")
        left = await self._database.insist(
            reconcile.disown,
            tenant_id,
            sender_id,
            now=clock.now(),
            on_the_wire=self._journal.of_dead_worker if self._journal else lambda _: None,
        )
        failpoints.reached("disowned")
        if left.unknown_count or left.returned_count:
            _log.warning(
                "interrupted_sends",
                sender_id=str(sender_id),
                unknown=left.unknown_count,
                never_left=left.returned_count,
            )
        await self._confirmations.take_over()
        recording = asyncio.create_task(self._outcomes.run())
        try:
            await self._send_everything()
        finally:
            while self._in_flight:  # what ends may begin something: the pause of a campaign
                await asyncio.wait(self._in_flight)
            self._outcomes.finish()
            await recording
        await self._complete_drained(list(self._courses.values()))

    async def _send_everything(self) -> None:
        refreshed_at = -REFRESH_SECONDS
        turn = 0
        while not self._is_stopping:
            now = time.monotonic()
            if now - refreshed_at >= REFRESH_SECONDS:
                await self._refresh()
                await self._confirmations.look()
                refreshed_at = now
                if not self._courses and not self._confirmations.are_due:
                    return
            open_courses = [course for course in self._courses.values() if course.idle_until < now]
            room = min(self._pacer.room(now), LARGEST_BATCH)
            if self._most_in_flight - len(self._in_flight) < room:
                room = 0  # a claim costs the same for one as for many: wait for room for all that the pace allows
            if self._is_outage:  # one message at a time tries the way, so that few get lost on it
                room = 0 if self._in_flight else min(room, 1)
            if not (open_courses or self._confirmations.are_due) or now < self._resting_until:
                await asyncio.sleep(IDLE_SECONDS)
            elif room < 1:
                await asyncio.sleep(max(0.001, min(self._pacer.wait(), 0.1)))
            elif self._confirmations.are_due:
                await self._send_confirmations(room)
            else:
                turn += 1
                await self._send_some(open_courses[turn % len(open_courses)], room)

    async def _refresh(self) -> None:
        """Sees which campaigns are to be sent now; those that have nobody left are completed."""
        sending = await self._database.insist(
            lifecycle.sending_of, self.connection.tenant_id, self.connection.sender_id
        )
        for campaign in sending:
            if campaign.pk not in self._courses and campaign.pk not in self._being_paused:
                try:
                    said, rules = await self._database.run(_read, campaign)
                except Invalid as refusal:
                    await self._pause(campaign.pk, refusal.message)
                    continue
                addresses = tuple(one.tracked_addresses for one in said)
                self._courses[campaign.pk] = _Course(campaign, said, rules, time.monotonic(), addresses)
        gone = set(self._courses) - {campaign.pk for campaign in sending}
        for campaign_id in gone:
            del self._courses[campaign_id]
        if not self._in_flight and self._outcomes.is_empty:
            await self._complete_drained([course for course in self._courses.values() if course.is_drained])

    async def _complete_drained(self, courses: list[_Course]) -> None:
        for course in courses:
            tenant_id, campaign_id = self.connection.tenant_id, course.campaign.pk
            if not await self._database.insist(reconcile.has_open, tenant_id, self.connection.sender_id, campaign_id):
                failpoints.reached("drained")
                await self._database.insist(lifecycle.complete, tenant_id, campaign_id, now=clock.now())
                failpoints.reached("completed")
                self._courses.pop(campaign_id, None)

    async def _send_confirmations(self, room: int) -> None:
        due = await self._confirmations.take(room)
        self._pacer.room(time.monotonic())
        self._pacer.take(len(due))
        if due:
            self._spawn(self._confirmations.send(due))

    async def _send_some(self, course: _Course, room: int) -> None:
        if time.monotonic() - course.rules_read_at >= RULES_SECONDS:
            course.rules = await self._database.insist(_rules_of, course.campaign)
            course.rules_read_at = time.monotonic()
        claimed = await self._database.insist(
            ledger_claim.claim,
            self.connection.tenant_id,
            course.campaign.pk,
            now=clock.now(),
            batch=room,
            worker_id=self._journal.worker_id if self._journal else None,
            rules=course.rules,
        )
        failpoints.reached("claimed")
        course.is_drained = claimed.is_empty
        if claimed.is_empty:
            await self._rest_until_due(course)
        self._pacer.room(time.monotonic())
        self._pacer.take(len(claimed.people))
        for person in claimed.people:
            task = asyncio.create_task(self._send_one(course, person))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        if claimed.over_budget_count:
            await self._stop_at_budget(course)

    async def _rest_until_due(self, course: _Course) -> None:
        """Nobody of the campaign is due: looks again when somebody is, and every other second for whoever comes back."""
        due_at = await self._database.insist(ledger_claim.next_due, self.connection.tenant_id, course.campaign.pk)
        seconds = (due_at - clock.now()).total_seconds() if due_at else IDLE_SECONDS
        course.idle_until = time.monotonic() + min(max(seconds, IDLE_SECONDS), LONGEST_IDLE_SECONDS)

    async def _stop_at_budget(self, course: _Course) -> None:
        """What is left of the budget doesn't pay for the next message: only a person can change that.

        The course stays, for those claimed along with the last of the money are still to be sent to.
        """
        course.idle_until = float("inf")
        self._being_paused.add(course.campaign.pk)
        await self._pause(course.campaign.pk, BUDGET_USED_UP)

    async def _send_one(self, course: _Course, person: ClaimedPerson) -> None:
        try:
            failpoints.reached("to_be_made")
            outgoing = self._message_for(course, person)
        except Exception as error:
            if not isinstance(error, render.Unrenderable):  # a bug of ours, isolated to one message
                _log.exception("message_not_made", recipient_id=person.recipient_id)
            self._outcomes.skip(person.recipient_id)
            return
        if self._is_sender_stopped(course):
            self._outcomes.put_back(self._returned(person, clock.now(), "sender_paused", counts=False))
            return
        try:
            outcome: SendOutcome = await self._adapter.send(outgoing, on_wire=self._noting(person.recipient_id))
        except Exception:
            # A bug of ours, isolated to one message; whether bytes went out is not known.
            _log.exception("send_crashed", recipient_id=person.recipient_id)
            outcome = Uncertain("our own mistake")
        failpoints.reached("answered")
        self._settle(course, person, outcome)

    def _noting(self, recipient_id: int) -> OnWire:
        """What to call right before this person's message goes out."""
        journal = self._journal
        return functools.partial(journal.note, recipient_id) if journal else lambda: None

    def _message_for(self, course: _Course, person: ClaimedPerson) -> OutgoingMessage:
        wording = course.wordings[person.arm] if person.arm < len(course.wordings) else course.wordings[0]
        context = render.context_of(
            name=person.name, phone=person.phone, external_id=person.external_id, language=person.language,
            country=person.country, attributes=person.attributes, timezone=person.timezone,
            now=clock.now(),
        )  # fmt: skip
        if addresses := course.tracked_addresses[person.arm if person.arm < len(course.wordings) else 0]:
            context["links"] = LinkMaker(
                settings.PUBLIC_URL, self._link_key, self.connection.tenant_id, person.recipient_id, addresses
            )
        return message.compose(
            wording, context, to=person.phone, reference=reference.make(course.campaign.pk, person.recipient_id)
        )

    def _is_sender_stopped(self, course: _Course) -> bool:
        """Whether the account or this campaign was stopped after this person was claimed."""
        return self._resting_until == float("inf") or course.campaign.pk not in self._courses

    @property
    def _is_outage(self) -> bool:
        """Whether nobody gets through to the provider at the moment."""
        return self._unreached_in_a_row >= OUTAGE_AFTER

    def _settle(self, course: _Course, person: ClaimedPerson, outcome: SendOutcome) -> None:
        """Turns what became of a message into evidence, a later try, or a pause."""
        now = clock.now()
        if isinstance(outcome, Accepted):
            self._unreached_in_a_row = course.refused_in_a_row = 0
            self._outcomes.record(Evidence(person.recipient_id, Kind.ACCEPTED, now, message_id=outcome.message_id))
        elif isinstance(outcome, Uncertain):
            self._count_unreached()
            self._outcomes.unknown(person.recipient_id)
        else:
            self._settle_rejection(course, person, outcome, now)

    def _settle_rejection(self, course: _Course, person: ClaimedPerson, outcome: Rejected, now: datetime) -> None:
        if outcome.failure.kind is FailureKind.TRANSIENT:
            self._count_unreached()
        elif outcome.failure.kind is FailureKind.RECIPIENT:
            self._unreached_in_a_row = 0
        decision = retry.decide(
            outcome.failure,
            attempt=person.attempt,
            is_outage=self._is_outage,
            chance=random.random(),  # noqa: S311 - jitter
        )
        if isinstance(decision, retry.StopCampaign):
            self._outcomes.put_back(self._returned(person, now, "campaign_paused", counts=False))
            self._pause_campaign(course, decision.reason)
        elif isinstance(decision, retry.TryAgain):
            if decision.slows_sender:
                self._pacer.slow_down(time.monotonic())
            due_at = now + timedelta(seconds=decision.after_seconds)
            self._outcomes.put_back(self._returned(person, due_at, decision.reason, counts=decision.counts))
        elif isinstance(decision, retry.StopSender):
            self._outcomes.put_back(self._returned(person, now, "sender_paused", counts=False))
            if self._resting_until != float("inf"):
                self._resting_until = float("inf")
                _log.warning("sender_stopped", sender_id=str(self.connection.sender_id), code=outcome.failure.code)
                self._spawn(self._pause_everything(decision.reason))
        else:
            failure = outcome.failure
            self._outcomes.record(Evidence(person.recipient_id, Kind.REJECTED, now, failure=failure))
            if decision.counts_against_campaign:
                course.refused_in_a_row += 1
                if course.refused_in_a_row == CONTENT_FAILURES_BEFORE_PAUSE:
                    reason = f"{CONTENT_FAILURES_BEFORE_PAUSE} messages in a row were refused: {failure.message}"
                    self._pause_campaign(course, reason)

    def _count_unreached(self) -> None:
        self._unreached_in_a_row += 1
        if self._is_outage:
            self._resting_until = max(self._resting_until, time.monotonic() + OUTAGE_PAUSE_SECONDS)

    def _returned(self, person: ClaimedPerson, due_at: datetime, reason: str, *, counts: bool) -> PutBack:
        return PutBack(person.recipient_id, person.attempt, due_at, reason, counts)

    def _spawn(self, act: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(act)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    def _pause_campaign(self, course: _Course, reason: str) -> None:
        """Sends no more of it from now on, and says why; asking again changes nothing."""
        if self._courses.pop(course.campaign.pk, None) is not None:
            self._being_paused.add(course.campaign.pk)
            self._spawn(self._pause(course.campaign.pk, reason))

    async def _pause(self, campaign_id: UUID, reason: str) -> None:
        failpoints.reached("to_be_paused")
        await self._database.insist(
            lifecycle.pause_by_id, self.connection.tenant_id, campaign_id, reason=reason, now=clock.now()
        )
        failpoints.reached("paused")
        self._being_paused.discard(campaign_id)

    async def _pause_everything(self, reason: str) -> None:
        await self._database.insist(
            lifecycle.pause_all_of_sender,
            self.connection.tenant_id,
            self.connection.sender_id,
            reason=reason,
            now=clock.now(),
        )
        self._courses.clear()
        self._is_stopping = True


def _read(campaign: MessageCampaign) -> tuple[tuple[Wording, ...], SendingRules]:
    with tenant_scope(campaign.tenant_id):
        return wordings.of_campaign(campaign), sending_rules.of_campaign(campaign, now=clock.now())


def _rules_of(campaign: MessageCampaign) -> SendingRules:
    with tenant_scope(campaign.tenant_id):
        return sending_rules.of_campaign(campaign, now=clock.now())
