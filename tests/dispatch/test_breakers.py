"""When a sender stops trying, how it begins again, and how many people that costs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.dispatch import breakers
from tulia.dispatch.breakers import Breaker, OutageBreaker, Throttled


def opened(now: float = 0.0) -> OutageBreaker:
    breaker = OutageBreaker()
    for _ in range(breakers.OUTAGE_AFTER):
        breaker.unreached(now)
    return breaker


def test_it_opens_after_twenty_in_a_row_and_not_before() -> None:
    breaker = OutageBreaker()
    for _ in range(breakers.OUTAGE_AFTER - 1):
        breaker.unreached(0.0)
    assert breaker.state is Breaker.CLOSED
    breaker.reached(6.0)
    for _ in range(breakers.OUTAGE_AFTER - 1):
        breaker.unreached(0.0)
    assert not breaker.is_outage
    breaker.unreached(0.0)
    assert breaker.state is Breaker.OPEN
    assert breaker.is_resting(4.9)


def test_it_opens_when_half_of_a_hundred_get_lost_though_never_twenty_in_a_row() -> None:
    breaker = OutageBreaker()
    for _ in range(breakers.SHARE_OF // 2):
        breaker.reached(6.0)
        breaker.unreached(0.0)
    assert breaker.state is Breaker.OPEN


def test_after_the_rest_it_tries_and_three_that_get_through_close_it() -> None:
    breaker = opened()
    assert not breaker.is_resting(5.0)
    assert breaker.state is Breaker.HALF_OPEN
    breaker.reached(6.0)
    breaker.reached(6.0)
    assert breaker.state is Breaker.HALF_OPEN
    breaker.reached(6.0)
    assert breaker.state is Breaker.CLOSED
    for _ in range(breakers.OUTAGE_AFTER - 1):
        breaker.unreached(9.0)
    assert breaker.state is Breaker.CLOSED
    breaker.unreached(9.0)
    assert not breaker.is_resting(14.0)
    for _ in range(5):
        breaker.reached(14.0)
    assert breaker.state is Breaker.HALF_OPEN, "it wasn't well the last time: six must get through now"
    breaker.reached(14.0)
    assert breaker.state is Breaker.CLOSED


def test_a_trial_that_fails_opens_it_again_for_longer_up_to_half_a_minute() -> None:
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        pauses.append(breaker.retry_at - now)
        now = breaker.retry_at
        assert not breaker.is_resting(now)
        breaker.unreached(now)
    assert pauses[:3] == [5.0, 7.5, 11.25]
    assert pauses[-1] == 30.0


def test_what_was_still_in_flight_when_it_opened_does_not_make_the_rest_longer() -> None:
    breaker = opened()
    for _ in range(300):
        breaker.unreached(1.0)
    assert breaker.retry_at == 5.0


def test_with_nobody_left_to_try_it_with_the_last_one_decides() -> None:
    breaker = OutageBreaker(Breaker.HALF_OPEN)
    breaker.conclude()
    assert breaker.state is Breaker.HALF_OPEN
    breaker.reached(6.0)
    breaker.conclude()
    assert breaker.state is Breaker.CLOSED


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from(["reached", "unreached", "look"])), max_size=300))
def test_nothing_is_sent_while_it_is_open_and_it_never_stays_open_for_good(steps: list[tuple[float, str]]) -> None:
    breaker, now = OutageBreaker(), 0.0
    for pause, what in steps:
        now += pause
        if what == "look":
            assert breaker.is_resting(now) == (breaker.state is Breaker.OPEN)
        elif what == "reached":
            breaker.reached(now)
        else:
            breaker.unreached(now)
        if breaker.state is Breaker.OPEN:
            assert breaker.retry_at <= now + breakers.LONGEST_PAUSES * breakers.OUTAGE_PAUSE_SECONDS
            assert breaker.is_outage
    assert not breaker.is_resting(now + 31.0)


@pytest.mark.parametrize("share", [1.0, 0.75, 0.5])
def test_an_hour_in_which_answers_get_lost_costs_few_people(share: float) -> None:
    """One at a time, an answer each 0.1 s, a timeout after 30: of each that gets lost nobody knows what became of it."""
    chance = random.Random(1)
    breaker, now, lost = OutageBreaker(), 0.0, 0
    while now < 3_600.0:
        if breaker.is_resting(now):
            now = breaker.retry_at
            continue
        is_lost = chance.random() < share
        now += (30.0 if is_lost else 0.1) if breaker.is_outage else 0.001
        lost += is_lost
        breaker.unreached(now) if is_lost else breaker.reached(now)
    assert lost <= 300


def test_being_throttled_for_a_quarter_of_an_hour_with_nothing_taken_is_too_long() -> None:
    throttled = Throttled()
    assert [throttled.is_too_long(at) for at in range(0, 900, 100)] == [False] * 9
    assert throttled.is_too_long(900.0)
    throttled.got_through()
    assert [throttled.is_too_long(at) for at in (1_000.0, 2_000.0, 3_000.0)] == [False] * 3
