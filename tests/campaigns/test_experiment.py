"""Arms take turns as their weights say, and the outcome window is the one in force."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tulia.campaigns import experiment
from tulia.campaigns.models import MessageCampaign

WEIGHTS = st.lists(st.integers(1, experiment.WEIGHT_LIMIT), min_size=1, max_size=4).map(tuple)


@given(weights=WEIGHTS)
@example(weights=(4, 43, 43, 1))
@example(weights=(30, 30, 1))
def test_a_cycle_has_each_arm_by_its_weight_and_never_strays_far_from_it(weights: tuple[int, ...]) -> None:
    order, total = experiment.cycle(weights), sum(weights)
    counts = Counter(order)
    assert all(counts[arm] * total == weight * len(order) for arm, weight in enumerate(weights))
    arms = len(weights)
    most_ahead = 1 - Fraction(1, arms)
    most_behind = sum((Fraction(1, place) for place in range(2, arms + 1)), Fraction(0))
    dealt = [0] * arms
    for position, arm in enumerate(order, start=1):
        dealt[arm] += 1
        for one, weight in enumerate(weights):
            assert -most_behind <= dealt[one] - Fraction(position * weight, total) <= most_ahead


@given(weights=WEIGHTS, people=st.integers(0, 3_000))
def test_so_many_people_are_dealt_out_as_the_cycle_goes_round_and_round(weights: tuple[int, ...], people: int) -> None:
    order = experiment.cycle(weights)
    counts = Counter(order[place % len(order)] for place in range(people))
    assert experiment.dealt(weights, people) == tuple(counts[arm] for arm in range(len(weights)))
    assert sum(experiment.dealt(weights, people)) == people


@pytest.mark.parametrize("arms", [2, 3, 4])
@pytest.mark.parametrize("weight", [1, 7, 100])
def test_equal_weights_take_turns_one_by_one(arms: int, weight: int) -> None:
    assert experiment.cycle((weight,) * arms) == list(range(arms))


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ({}, 72 * 60),
        ({"primary_metric": "read"}, 24 * 60),
        ({"primary_metric": "clicked"}, 48 * 60),
        ({"primary_metric": "converted"}, 7 * 24 * 60),
        ({"outcome_window_minutes": 1}, 1),
        ({"auto_winner": {"decide_after_minutes": 1_440}}, 1_080),
        ({"auto_winner": {"decide_after_minutes": 2}}, 1),
        ({"auto_winner": {"decide_after_minutes": 3}}, 2),
        ({"auto_winner": {"decide_after_minutes": 43_200}}, 72 * 60),
        ({"auto_winner": {"decide_after_minutes": 60}, "outcome_window_minutes": 59}, 59),
    ],
)
def test_the_window_is_whole_minutes_and_shorter_than_the_wait_for_a_winner(
    fields: dict[str, Any], minutes: int
) -> None:
    if "auto_winner" in fields:
        fields = fields | {"auto_winner": {"test_percent": 20, "if_undecided": "stop"} | fields["auto_winner"]}
    campaign = MessageCampaign(**{"primary_metric": "responded"} | fields)
    assert experiment.window_of(campaign) == timedelta(minutes=minutes)
