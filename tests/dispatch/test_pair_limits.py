"""Too many messages to one person: only that person waits, longer each time."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from tulia.dispatch import pair_limits
from tulia.dispatch.pair_limits import PairLimits

AMINA, BRIAN = uuid4(), uuid4()


def test_the_waits_are_four_to_the_power_of_how_often_it_was_and_only_for_that_person() -> None:
    limits, now = PairLimits(), 100.0
    waited = []
    for _ in range(6):
        waited.append(limits.hit(AMINA, now, chance=0.0))
        assert limits.wait(AMINA, now) == waited[-1]
        assert limits.wait(BRIAN, now) == 0.0
        now += waited[-1]
        assert limits.wait(AMINA, now) == 0.0
    assert waited == [1, 4, 16, 64, 256, 256]


def test_a_message_that_was_taken_or_a_long_time_forgives() -> None:
    limits = PairLimits()
    limits.hit(AMINA, 0.0, chance=0.0)
    limits.passed(AMINA)
    assert limits.hit(AMINA, 1.0, chance=0.0) == 1
    assert limits.hit(AMINA, 3.0, chance=0.0) == 4
    assert limits.hit(AMINA, 7.0 + pair_limits.FORGOTTEN_AFTER_SECONDS, chance=0.0) == 1


@given(st.lists(st.tuples(st.uuids(), st.floats(0, 1, exclude_max=True)), max_size=60))
def test_waits_have_bounds_whoever_comes_in_whatever_order(hits: list[tuple[UUID, float]]) -> None:
    limits = PairLimits()
    for customer_id, chance in hits:
        assert 1.0 <= limits.hit(customer_id, 0.0, chance=chance) <= 1.2 * pair_limits.LONGEST_SECONDS


def test_of_very_many_people_the_earliest_are_forgotten() -> None:
    limits = PairLimits()
    first = uuid4()
    limits.hit(first, 0.0, chance=0.0)
    for _ in range(pair_limits.MOST_KEPT):
        limits.hit(uuid4(), 0.0, chance=0.0)
    assert len(limits) == pair_limits.MOST_KEPT
    assert limits.wait(first, 0.0) == 0.0
