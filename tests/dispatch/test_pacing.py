"""Never above the limit in any one second, and not much below it in the long run."""

from __future__ import annotations

import bisect
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.dispatch.pacing import Pacer

LIMITS = st.integers(1, 2_000)


def left_at(pacer: Pacer, calls: list[tuple[float, float]]) -> list[float]:
    """When each message left: at each call (time, greed) a share of the room is taken, as after a claim."""
    left: list[float] = []
    for now, greed in calls:
        count = round(pacer.room(now) * greed)
        pacer.take(count)
        left += [now] * count
    return left


def most_in_a_second(left: list[float]) -> int:
    return max((bisect.bisect_left(left, at + 1.0) - i for i, at in enumerate(left)), default=0)


PAUSES = st.sampled_from([0.0, 0.0001, 0.001, 0.01, 0.1, 0.5, 0.999, 1.0, 3.0, 60.0]) | st.floats(0, 2)


@settings(max_examples=300, deadline=None)
@given(
    LIMITS,
    st.sampled_from([0.0, 1e3, 1e9]),
    st.lists(st.tuples(PAUSES, st.sampled_from([0.0, 0.5, 1.0, 1.0, 1.0])), max_size=200),
)
def test_in_no_second_leave_more_than_the_limit(limit: int, began: float, calls: list[tuple[float, float]]) -> None:
    times = itertools.accumulate((pause for pause, _ in calls), initial=began)
    left = left_at(Pacer(limit), list(zip(times, (greed for _, greed in calls), strict=False)))
    assert most_in_a_second(left) <= limit


@pytest.mark.parametrize("limit", [*range(1, 30), 60, 80, 100, 250, 999, 1_000, 2_000])
def test_who_asks_all_the_time_gets_nine_tenths_of_the_limit_and_never_more_than_it(limit: int) -> None:
    chance = random.Random(limit)
    step = min(0.02, 0.1 / limit)
    seconds = max(6.0, 60.0 / limit)
    pacer, now, left = Pacer(limit), 100.0, list[float]()
    while now < 100.0 + seconds:
        left += left_at(pacer, [(now, 1.0)])
        now += step * chance.uniform(0.5, 1.5)
    assert most_in_a_second(left) <= limit
    assert len(left) >= int(0.9 * limit * seconds)


@given(LIMITS, st.integers(1, 2_000))
def test_after_a_pause_only_a_small_burst_leaves(limit: int, pause: int) -> None:
    pacer = Pacer(limit)
    assert pacer.room(0.0) == 0
    assert pacer.room(float(pause)) <= max(1, 0.04 * limit)


@given(LIMITS)
def test_the_wait_is_as_long_as_it_takes(limit: int) -> None:
    pacer = Pacer(limit)
    now = 50.0
    pacer.take(pacer.room(now))
    now += pacer.wait() + 1e-6
    assert pacer.room(now) >= 1


def test_a_clock_that_stands_still_or_goes_back_gives_nothing_more() -> None:
    pacer = Pacer(100)
    pacer.take(pacer.room(10.0))
    assert [pacer.room(at) for at in (10.0, 9.0, 0.0)] == [0, 0, 0]


@given(LIMITS)
def test_slowing_down_halves_the_pace_at_most_once_a_second(limit: int) -> None:
    pacer = Pacer(limit)
    pacer.room(10.0)
    full = pacer.pace
    pacer.slow_down(10.0)
    pacer.slow_down(10.9)
    assert pacer.pace == pytest.approx(max(full / 2, 0.1))
    assert pacer.room(10.0) == 0
    pacer.slow_down(11.0)
    assert pacer.pace == pytest.approx(max(full / 4, 0.1))


@given(LIMITS)
def test_it_never_gets_slower_than_one_in_ten_seconds_and_recovers_by_itself(limit: int) -> None:
    pacer = Pacer(limit)
    full = pacer.pace
    for second in range(30):
        pacer.slow_down(float(second))
    assert pacer.pace >= 0.1 - 1e-12
    pacer.room(29.0)
    pacer.room(39.0)
    assert pacer.pace >= 0.49 * full
    pacer.room(60.0)
    assert pacer.pace == pytest.approx(full)


@settings(max_examples=100, deadline=None)
@given(LIMITS, st.lists(st.tuples(PAUSES, st.booleans()), max_size=100))
def test_slowed_down_at_any_moment_it_still_keeps_the_limit(limit: int, calls: list[tuple[float, bool]]) -> None:
    pacer, now, left = Pacer(limit), 5.0, list[float]()
    for pause, is_throttled in calls:
        now += pause
        if is_throttled:
            pacer.slow_down(now)
        left += left_at(pacer, [(now, 1.0)])
    assert most_in_a_second(left) <= limit
