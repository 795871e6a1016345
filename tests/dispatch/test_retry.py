"""What is tried again, when, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.channels.types import Failure, FailureKind
from tulia.dispatch import retry
from tulia.dispatch.retry import GiveUp, StopSender, TryAgain

CHANCES = st.floats(0, 1, exclude_max=True)
FAILURES = st.builds(
    Failure,
    st.sampled_from(FailureKind),
    st.sampled_from(["131000", "131056", "130429", "http_429", "http_503", "131026", "x"]),
    st.just("words"),
    st.none() | st.floats(0, 10**6),
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
        (FailureKind.THROTTLED, TryAgain(0.5, "throttled", slows_sender=True)),
        (FailureKind.TRANSIENT, TryAgain(0.5, "retry")),
    ],
)
def test_each_kind_of_failure_gets_what_it_deserves(kind: FailureKind, decision: retry.Decision) -> None:
    assert decide(kind) == decision


def test_what_the_provider_asks_for_is_waited() -> None:
    assert decide(FailureKind.TRANSIENT, asked=7) == TryAgain(7, "retry")
    assert decide(FailureKind.THROTTLED, asked=10, chance=0) == TryAgain(10, "throttled", slows_sender=True)
    assert decide(FailureKind.THROTTLED, asked=0, chance=0) == TryAgain(0.2, "throttled", slows_sender=True)
    assert decide(FailureKind.THROTTLED, asked=10**6) == TryAgain(3_600, "throttled", slows_sender=True)


def test_too_many_messages_to_one_person_slow_nobody_else() -> None:
    pauses = [decide(FailureKind.THROTTLED, code="131056", attempt=n, chance=0) for n in (1, 2, 3, 9)]
    assert pauses == [TryAgain(seconds, "throttled") for seconds in (1, 4, 16, 256)]


def test_during_an_outage_nobody_uses_up_their_tries() -> None:
    for attempt in (1, retry.MAX_TRIES, 1_000):
        during = decide(FailureKind.TRANSIENT, attempt=attempt, is_outage=True)
        unreached = decide(FailureKind.TRANSIENT, code="connect", attempt=attempt)
        assert isinstance(during, TryAgain)
        assert isinstance(unreached, TryAgain)
        assert (during.counts, unreached.counts) == (False, False)
    assert decide(FailureKind.TRANSIENT, attempt=retry.MAX_TRIES) == GiveUp()


@given(FAILURES, CHANCES)
def test_without_an_outage_the_tries_are_bounded(failure: Failure, chance: float) -> None:
    attempt = 1
    while isinstance(decision := retry.decide(failure, attempt=attempt, is_outage=False, chance=chance), TryAgain):
        assert decision.counts
        attempt += 1
        assert attempt <= retry.MAX_THROTTLED_TRIES
    assert isinstance(decision, StopSender) == (failure.kind is FailureKind.ACCOUNT)


@given(FAILURES, st.integers(1, 32_767), st.booleans(), CHANCES)
def test_pauses_have_bounds_and_only_an_account_stops_a_sender(
    failure: Failure, attempt: int, is_outage: bool, chance: float
) -> None:
    decision = retry.decide(failure, attempt=attempt, is_outage=is_outage, chance=chance)
    if isinstance(decision, TryAgain):
        assert failure.kind in (FailureKind.TRANSIENT, FailureKind.THROTTLED)
        assert 0 <= decision.after_seconds <= 3_600
        if failure.retry_after_seconds is None and failure.code != "131056":
            assert decision.after_seconds <= retry.LONGEST_PAUSE_SECONDS
        assert decision.slows_sender == (failure.kind is FailureKind.THROTTLED and failure.code != "131056")
    assert isinstance(decision, StopSender) == (failure.kind is FailureKind.ACCOUNT)
