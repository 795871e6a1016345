"""What is tried again, when, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.channels.types import Failure, FailureKind
from tulia.dispatch import retry
from tulia.dispatch.retry import GiveUp, StopCampaign, StopSender, TryAgain, WaitForPerson

CHANCES = st.floats(0, 1, exclude_max=True)
FAILURES = st.builds(
    Failure,
    st.sampled_from(FailureKind),
    st.sampled_from(["131000", "131056", "130429", "http_429", "http_503", "131026", "x"]),
    st.just("words"),
    st.none() | st.floats(0, 10**6),
    concerns_pair=st.booleans(),
    concerns_all=st.booleans(),
)


def decide(
    kind: FailureKind,
    *,
    code: str = "1",
    attempt: int = 1,
    asked: float | None = None,
    is_outage: bool = False,
    chance: float = 0.5,
) -> retry.Decision:
    return retry.decide(Failure(kind, code, "words", asked), attempt=attempt, is_outage=is_outage, chance=chance)


@pytest.mark.parametrize(
    ("kind", "decision"),
    [
        (FailureKind.ACCOUNT, StopSender("words")),
        (FailureKind.RECIPIENT, GiveUp()),
        (FailureKind.CONTENT, GiveUp(counts_against_campaign=True)),
        (FailureKind.THROTTLED, TryAgain(0.5, "throttled", slows_sender=True, counts=False)),
        (FailureKind.TRANSIENT, TryAgain(0.5, "retry")),
    ],
)
def test_each_kind_of_failure_gets_what_it_deserves(kind: FailureKind, decision: retry.Decision) -> None:
    assert decide(kind) == decision


def test_what_the_provider_asks_for_is_waited_by_the_whole_sender() -> None:
    def throttled(seconds: float) -> TryAgain:
        decision = decide(FailureKind.THROTTLED, asked=seconds, chance=0)
        assert isinstance(decision, TryAgain)
        assert (decision.reason, decision.slows_sender, decision.counts) == ("throttled", True, False)
        return decision

    assert decide(FailureKind.TRANSIENT, asked=7) == TryAgain(7, "retry", holds_sender_seconds=7)
    assert [throttled(asked).after_seconds for asked in (10, 0, 10**6)] == [10, 0.2, 3_600]
    assert [throttled(asked).holds_sender_seconds for asked in (10, 0, 10**6)] == [10, 0, 3_600]


def test_too_many_messages_to_one_person_are_for_that_person_to_wait_out() -> None:
    failure = Failure(FailureKind.THROTTLED, "131056", "words", concerns_pair=True)
    assert retry.decide(failure, attempt=1, is_outage=False, chance=0.5) == WaitForPerson()


def test_what_concerns_the_account_stops_all_its_senders_and_what_concerns_the_template_all_that_send_it() -> None:
    locked = Failure(FailureKind.ACCOUNT, "131031", "words", concerns_account=True)
    assert retry.decide(locked, attempt=1, is_outage=False, chance=0) == StopSender("words", concerns_account=True)
    paused = Failure(FailureKind.CONTENT, "132015", "words", concerns_all=True)
    assert retry.decide(paused, attempt=1, is_outage=False, chance=0) == StopCampaign("words")


def test_during_an_outage_nobody_uses_up_their_tries() -> None:
    for attempt in (1, retry.MAX_TRIES, 1_000):
        during = decide(FailureKind.TRANSIENT, attempt=attempt, is_outage=True)
        unreached = decide(FailureKind.TRANSIENT, code="connect", attempt=attempt)
        assert isinstance(during, TryAgain)
        assert isinstance(unreached, TryAgain)
        assert (during.counts, unreached.counts) == (False, False)
    assert decide(FailureKind.TRANSIENT, attempt=retry.MAX_TRIES) == GiveUp()


@given(FAILURES, CHANCES)
def test_every_try_that_counts_is_one_of_six_and_throttling_never_counts(failure: Failure, chance: float) -> None:
    attempt = 1
    while isinstance(decision := retry.decide(failure, attempt=attempt, is_outage=False, chance=chance), TryAgain):
        if failure.kind is FailureKind.THROTTLED:
            assert not decision.counts
            late = retry.decide(failure, attempt=32_767, is_outage=False, chance=chance)
            assert isinstance(late, TryAgain)
            return
        assert decision.counts
        attempt += 1
        assert attempt <= retry.MAX_TRIES
    assert isinstance(decision, StopSender) == (failure.kind is FailureKind.ACCOUNT)


@given(FAILURES, st.integers(1, 32_767), st.booleans(), CHANCES)
def test_pauses_have_bounds_and_only_an_account_stops_a_sender(
    failure: Failure, attempt: int, is_outage: bool, chance: float
) -> None:
    decision = retry.decide(failure, attempt=attempt, is_outage=is_outage, chance=chance)
    if isinstance(decision, TryAgain):
        assert failure.kind in (FailureKind.TRANSIENT, FailureKind.THROTTLED)
        assert 0 <= decision.after_seconds <= 1.2 * retry.LONGEST_ASKED_SECONDS
        assert decision.after_seconds >= decision.holds_sender_seconds
        if failure.retry_after_seconds is None:
            assert decision.after_seconds <= retry.LONGEST_PAUSE_SECONDS
        assert decision.slows_sender == (failure.kind is FailureKind.THROTTLED)
    assert isinstance(decision, StopSender) == (failure.kind is FailureKind.ACCOUNT)
    if failure.kind is FailureKind.THROTTLED:
        assert not isinstance(decision, GiveUp)
