"""What follows from what became of a message: evidence, a later try, a slower pace, or a pause that says why."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta

from tulia.channels.types import Accepted, FailureKind, Rejected, SendOutcome, Uncertain
from tulia.core import clock, logs
from tulia.dispatch import retry
from tulia.dispatch.breakers import OutageBreaker, Throttled
from tulia.dispatch.courses import Course, Courses
from tulia.dispatch.departure import Departure
from tulia.dispatch.in_flight import InFlight
from tulia.dispatch.outcomes import Outcomes
from tulia.dispatch.pacing import MostInFlight, Pacer
from tulia.dispatch.pair_limits import PairLimits
from tulia.ledger.claim import ClaimedPerson, PutBack
from tulia.ledger.record import Evidence, Kind

_log = logs.get(__name__)
CONTENT_FAILURES_BEFORE_PAUSE = 10  # in a row, for one campaign
THROTTLED_TOO_LONG = (
    "For a quarter of an hour the provider has taken nothing and asked for fewer messages: "
    "look there at the number's limits and quality, lower the sender's rate_per_second if it is too high, then resume."
)


class Settling:
    """Settles the messages of one sender."""

    def __init__(
        self,
        courses: Courses,
        outcomes: Outcomes,
        *,
        pacer: Pacer,
        most_in_flight: MostInFlight,
        breaker: OutageBreaker,
        in_flight: InFlight,
    ) -> None:
        self._courses = courses
        self._outcomes = outcomes
        self._pacer = pacer
        self._most_in_flight = most_in_flight
        self._breaker = breaker
        self._in_flight = in_flight
        self._throttled = Throttled()
        self._pairs = PairLimits()
        self.is_refused = False
        """Whether the provider lets this sender send nothing more until a person has mended something."""

    def unmade(self, person: ClaimedPerson) -> None:
        """The message could not be made: nothing goes out."""
        self._outcomes.skip(person.recipient_id)

    def return_unsent(self, person: ClaimedPerson) -> None:
        """Claimed for nothing: somebody else has the sender, or this worker stops. They wait, and lose no try."""
        self._put_back(person, clock.now(), 0.0, "", counts=False)

    def holds_back(self, course: Course, person: ClaimedPerson) -> bool:
        """Whether this person isn't to be sent to after all, though claimed: then they wait, and lose no try."""
        now, seconds = time.monotonic(), 0.0
        if self.is_refused:
            reason = "sender_paused"
        elif course not in self._courses:
            reason = "campaign_paused"
        elif seconds := self._pairs.wait(person.customer_id, now) or self._pacer.held_for(now):
            reason = "throttled"
        else:
            return False
        self._put_back(person, clock.now(), seconds, reason, counts=False)
        return True

    def settle(self, course: Course, person: ClaimedPerson, outcome: SendOutcome, departure: Departure) -> None:
        """Turns what became of a message into what is to be done about it."""
        now = time.monotonic()
        if isinstance(outcome, Uncertain):
            self._breaker.unreached(now)
            self._outcomes.unknown(person.recipient_id)
            return
        if departure.left_at is not None:
            self._most_in_flight.answered(now - departure.left_at)
        if isinstance(outcome, Accepted):
            self._breaker.reached(now)
            self._throttled.got_through()
            self._pairs.passed(person.customer_id)
            course.refused_in_a_row = 0
            self._outcomes.record(
                Evidence(person.recipient_id, Kind.ACCEPTED, clock.now(), message_id=outcome.message_id)
            )
        else:
            self._settle_rejection(course, person, outcome, clock.now(), departure)

    def _settle_rejection(
        self, course: Course, person: ClaimedPerson, outcome: Rejected, now: datetime, departure: Departure
    ) -> None:
        failure = outcome.failure
        if failure.kind is FailureKind.TRANSIENT:
            self._breaker.unreached(time.monotonic())
        elif failure.kind is not FailureKind.ACCOUNT:
            self._breaker.reached(time.monotonic())
        decision = retry.decide(
            failure,
            attempt=person.attempt,
            is_outage=self._breaker.is_outage,
            chance=random.random(),  # noqa: S311 - jitter
        )
        if isinstance(decision, retry.TryAgain):
            self._slow_down(decision, departure)
            self._put_back(person, now, decision.after_seconds, decision.reason, counts=decision.counts)
        elif isinstance(decision, retry.WaitForPerson):
            seconds = self._pairs.hit(person.customer_id, time.monotonic(), chance=random.random())  # noqa: S311
            self._put_back(person, now, seconds, "throttled", counts=False)
        elif isinstance(decision, retry.StopCampaign):
            self._put_back(person, now, 0.0, "campaign_paused", counts=False)
            self._courses.pause_template(course, person.arm, decision.reason)
        elif isinstance(decision, retry.StopSender):
            self._put_back(person, now, 0.0, "sender_paused", counts=False)
            self._refuse(failure.code, decision)
        else:
            self._outcomes.record(Evidence(person.recipient_id, Kind.REJECTED, now, failure=failure))
            if decision.counts_against_campaign:
                self._count_against(course, failure.message)

    def _slow_down(self, decision: retry.TryAgain, departure: Departure) -> None:
        now = time.monotonic()
        if decision.holds_sender_seconds:
            self._pacer.hold(now + decision.holds_sender_seconds)
        if decision.slows_sender:
            self._pacer.slow_down(now, left_at=departure.left_at)
            if self._throttled.is_too_long(now):
                self._refuse("throttled", retry.StopSender(THROTTLED_TOO_LONG))

    def _count_against(self, course: Course, words: str) -> None:
        course.refused_in_a_row += 1
        if course.refused_in_a_row == CONTENT_FAILURES_BEFORE_PAUSE:
            self._courses.pause(course, f"{CONTENT_FAILURES_BEFORE_PAUSE} messages in a row were refused: {words}")

    def _refuse(self, code: str, why: retry.StopSender) -> None:
        if not self.is_refused:
            self.is_refused = True
            _log.warning("sender_refused", code=code, is_of_account=why.concerns_account)
            self._in_flight.begin(self._courses.refuse(why.reason, code, is_of_account=why.concerns_account))

    def _put_back(self, person: ClaimedPerson, now: datetime, seconds: float, reason: str, *, counts: bool) -> None:
        due_at = now + timedelta(seconds=seconds)
        self._outcomes.put_back(PutBack(person.recipient_id, person.claimed_at, due_at, reason, counts))
