"""Never above the limit in any one second, and not much below it in the long run."""

from __future__ import annotations

import bisect
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.dispatch.pacing import (
    FEWEST_IN_FLIGHT,
    FEWEST_ON_WIRE,
    MOST_IN_FLIGHT,
    SMALLEST_SHARE,
    Crowding,
    MostInFlight,
    MostOnWire,
    Pacer,
)

LIMITS = st.integers(1, 2_000)


def go(pacer: Pacer, count: int, now: float) -> None:
    """That many leave the moment they may."""
    pacer.take(count)
    for _ in range(count):
        pacer.leave(now)


def left_at(pacer: Pacer, calls: list[tuple[float, float]]) -> list[float]:
    """When each message left: at each call (time, greed) a share of the room is taken, as after a claim."""
    left: list[float] = []
    for now, greed in calls:
        count = round(pacer.room(now) * greed)
        go(pacer, count, now)
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
    assert pacer.room(float(pause)) <= max(1, min(0.08 * limit, max(40, 0.04 * limit)))


@given(LIMITS, st.integers(1, 20))
def test_leave_is_given_in_portions_so_that_few_claims_are_made(limit: int, seconds: int) -> None:
    pacer, now, times, given = Pacer(limit), 0.0, 0, 0
    while now < seconds:
        if room := pacer.room(now):
            pacer.take(room)
            for _ in range(room):
                pacer.leave(now)
            times, given = times + 1, given + room
        now += max(0.001, min(pacer.wait(now), 0.1))
    assert times <= 1 + seconds * max(limit if limit < 40 else 0, 32)
    assert given >= int(0.85 * limit * seconds) - 2


@given(LIMITS)
def test_the_wait_is_as_long_as_it_takes(limit: int) -> None:
    pacer = Pacer(limit)
    now = 50.0
    go(pacer, pacer.room(now), now)
    now += pacer.wait(now) + 1e-6
    assert pacer.room(now) >= 1


def test_a_clock_that_stands_still_or_goes_back_gives_nothing_more() -> None:
    pacer = Pacer(100)
    go(pacer, pacer.room(10.0), 10.0)
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


@settings(max_examples=300, deadline=None)
@given(
    LIMITS,
    st.lists(st.tuples(PAUSES, PAUSES, st.booleans(), st.integers(1, 2_000) | st.none()), max_size=150),
    st.randoms(use_true_random=False),
)
def test_however_long_each_takes_to_leave_no_second_holds_more_than_the_limit(
    limit: int, steps: list[tuple[float, float, bool, int | None]], chance: random.Random
) -> None:
    """Connections that take their time, a process that stalls, limits that change: what counts is when bytes go out."""
    pacer, now, highest = Pacer(limit), 7.0, limit
    left: list[float] = []
    leaving: list[float] = []
    for pause, delay, is_kept_back, other_limit in steps:
        now += pause
        for at in sorted(at for at in leaving if at <= now):
            pacer.leave(at)
            left.append(at)
        leaving = [at for at in leaving if at > now]
        if other_limit:
            pacer.change_limit(other_limit)
            highest = max(highest, other_limit)
        count = pacer.room(now)
        pacer.take(count)
        if is_kept_back:
            pacer.give_back(count)
        else:
            leaving += [now + delay * chance.random() for _ in range(count)]
    assert most_in_a_second(sorted([*left, *leaving])) <= highest


def test_a_lower_limit_holds_at_once_for_what_has_left_already() -> None:
    pacer, now = Pacer(1_000), 0.0
    while now < 2.0:
        go(pacer, pacer.room(now), now)
        now += 0.01
    pacer.change_limit(10)
    assert pacer.room(now) == 0
    left = left_at(pacer, [(now + 0.01 * step, 1.0) for step in range(500)])
    assert left[0] >= now + 1.0
    assert most_in_a_second(left) <= 10
    assert len(left) >= 30


@given(LIMITS, st.floats(0.01, 3_600), st.lists(st.floats(0, 5), max_size=50))
def test_before_the_time_that_the_provider_named_nothing_leaves_and_then_it_begins_slowly(
    limit: int, seconds: float, pauses: list[float]
) -> None:
    pacer = Pacer(limit)
    go(pacer, pacer.room(100.0), 100.0)
    pacer.hold(100.0 + seconds)
    pacer.slow_down(100.0)
    slow = pacer.pace
    for pause in pauses:
        at = 100.0 + min(pause, seconds * 0.999)
        assert pacer.room(at) == 0
        assert pacer.held_for(at) > 0
        assert pacer.wait(at) == pytest.approx(100.0 + seconds - at)
    assert pacer.room(100.0 + seconds) == 0
    assert pacer.pace == pytest.approx(slow)


def test_what_left_before_it_slowed_down_slows_it_down_no_further() -> None:
    pacer = Pacer(100)
    pacer.room(10.0)
    pacer.slow_down(10.0, left_at=9.0)
    half = pacer.pace
    pacer.slow_down(15.0, left_at=9.9)
    assert pacer.pace == half
    pacer.slow_down(15.0, left_at=10.1)
    assert pacer.pace == half / 2
    assert pacer.is_slowed


def test_as_few_are_in_flight_as_the_rate_needs() -> None:
    assert MostInFlight(1).count == MostInFlight(80).count == FEWEST_IN_FLIGHT
    assert MostInFlight(1_000).count == 140
    assert MostInFlight(1_000_000).count == MOST_IN_FLIGHT
    assert [MostInFlight(rate).most_unsettled for rate in (1, 1_000, 2_000, 3_000, 1_000_000)] == [
        512,
        512,
        512,
        750,
        2_048,
    ]
    slow = MostInFlight(1_000)
    for _ in range(100):
        slow.answered(0.5)
    assert 780 < slow.count <= 790
    assert slow.most_unsettled == slow.count
    slow = MostInFlight(80)
    for _ in range(100):
        slow.answered(1.0)
    assert 110 < slow.count <= 124


def test_a_process_that_is_late_with_everything_has_fewer_in_flight_until_it_is_not() -> None:
    crowding = Crowding()
    crowding.late(0.001)
    assert crowding.share == 1.0
    for _ in range(50):
        crowding.late(0.2)
    assert crowding.share == SMALLEST_SHARE
    for _ in range(45):
        crowding.late(0.005)
    assert crowding.share == pytest.approx(1.0)


def test_a_process_that_is_busy_through_and_through_has_fewer_under_way_and_one_at_ease_as_many_as_it_likes() -> None:
    most = MostOnWire()
    assert most.count == FEWEST_ON_WIRE
    most.measured(0.3, are_some_waiting=False)
    assert most.count == FEWEST_ON_WIRE, "nobody waits for the provider"
    for _ in range(5):
        most.measured(0.3, are_some_waiting=True)
    assert most.count == MOST_IN_FLIGHT
    most.measured(0.7, are_some_waiting=False)
    assert most.count == MOST_IN_FLIGHT
    for _ in range(20):
        most.measured(0.95, are_some_waiting=True)
    assert most.count == FEWEST_ON_WIRE
    for _ in range(8):
        most.measured(0.7, are_some_waiting=True)
    assert most.count == 2 * FEWEST_ON_WIRE, "busy with another sender's messages, whose provider answers at once"


def test_after_a_wait_that_the_provider_named_it_begins_slowly_also_when_many_had_been_given_leave() -> None:
    pacer = Pacer(1_000)
    now = 100.0
    assert pacer.room(now) == 40
    pacer.take(40)
    pacer.hold(now + 5.0)
    pacer.give_back(40)  # they stayed
    assert pacer.room(now + 1.0) == 0
    assert pacer.room(now + 5.0) == 0
    assert 0 < pacer.room(now + 5.05) <= 40
