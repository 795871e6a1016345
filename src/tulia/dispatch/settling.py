"""What follows from what became of a message: evidence, a later try, a slower pace, or a pause that says why."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta

from tulia.channels.types import Accepted, FailureKind, Rejected, SendOutcome, Uncertain
from tulia.core import clock, logs
from tulia.dispatch import retry
from tulia.dispatch.breakers import OutageBreaker
from tulia.dispatch.courses import Course, Courses
from tulia.dispatch.in_flight import InFlight
from tulia.dispatch.outcomes import Outcomes
from tulia.dispatch.pacing import Pacer
from tulia.ledger.claim import ClaimedPerson, PutBack
from tulia.ledger.record import Evidence, Kind

_log = logs.get(__name__)
CONTENT_FAILURES_BEFORE_PAUSE = 10  # in a row, for one campaign


class Settling:
    """Settles the messages of one sender."""

    def __init__(
        self, courses: Courses, outcomes: Outcomes, pacer: Pacer, breaker: OutageBreaker, in_flight: InFlight
    ) -> None:
        self._courses = courses
        self._outcomes = outcomes
        self._pacer = pacer
        self._breaker = breaker
        self._in_flight = in_flight
        self.is_stopped = False
        """Whether the account was refused, so that this sender may send nothing more."""

    def is_called_off(self, course: Course) -> bool:
        """Whether the account or this campaign was stopped after somebody was claimed."""
        return self.is_stopped or course not in self._courses

    def unmade(self, person: ClaimedPerson) -> None:
        """The message could not be made: nothing goes out."""
        self._outcomes.skip(person.recipient_id)

    def not_sent(self, person: ClaimedPerson) -> None:
        """The message was called off before it left."""
        self._outcomes.put_back(_returned(person, clock.now(), "sender_paused", counts=False))

    def settle(self, course: Course, person: ClaimedPerson, outcome: SendOutcome) -> None:
        """Turns what became of a message into what is to be done about it."""
        now = clock.now()
        if isinstance(outcome, Accepted):
            self._breaker.reached()
            course.refused_in_a_row = 0
            self._outcomes.record(Evidence(person.recipient_id, Kind.ACCEPTED, now, message_id=outcome.message_id))
        elif isinstance(outcome, Uncertain):
            self._breaker.unreached(time.monotonic())
            self._outcomes.unknown(person.recipient_id)
        else:
            self._settle_rejection(course, person, outcome, now)

    def _settle_rejection(self, course: Course, person: ClaimedPerson, outcome: Rejected, now: datetime) -> None:
        if outcome.failure.kind is FailureKind.TRANSIENT:
            self._breaker.unreached(time.monotonic())
        elif outcome.failure.kind is FailureKind.RECIPIENT:
            self._breaker.reached()
        decision = retry.decide(
            outcome.failure,
            attempt=person.attempt,
            is_outage=self._breaker.is_outage,
            chance=random.random(),  # noqa: S311 - jitter
        )
        if isinstance(decision, retry.StopCampaign):
            self._outcomes.put_back(_returned(person, now, "campaign_paused", counts=False))
            self._courses.pause(course, decision.reason)
        elif isinstance(decision, retry.TryAgain):
            if decision.slows_sender:
                self._pacer.slow_down(time.monotonic())
            due_at = now + timedelta(seconds=decision.after_seconds)
            self._outcomes.put_back(_returned(person, due_at, decision.reason, counts=decision.counts))
        elif isinstance(decision, retry.StopSender):
            self._outcomes.put_back(_returned(person, now, "sender_paused", counts=False))
            self._stop(outcome.failure.code, decision.reason)
        else:
            self._outcomes.record(Evidence(person.recipient_id, Kind.REJECTED, now, failure=outcome.failure))
            if decision.counts_against_campaign:
                self._count_against(course, outcome.failure.message)

    def _count_against(self, course: Course, words: str) -> None:
        course.refused_in_a_row += 1
        if course.refused_in_a_row == CONTENT_FAILURES_BEFORE_PAUSE:
            self._courses.pause(course, f"{CONTENT_FAILURES_BEFORE_PAUSE} messages in a row were refused: {words}")

    def _stop(self, code: str, reason: str) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            _log.warning("sender_stopped", code=code)
            self._in_flight.begin(self._courses.pause_all(reason))


def _returned(person: ClaimedPerson, due_at: datetime, reason: str, *, counts: bool) -> PutBack:
    return PutBack(person.recipient_id, person.attempt, due_at, reason, counts)
