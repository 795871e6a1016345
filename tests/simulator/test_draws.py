from __future__ import annotations

import math
from statistics import fmean, median

from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp_simulator.draws import Draws


@settings(deadline=None)
@given(st.integers(), st.text(), st.text(), st.text())
def test_the_same_key_and_purpose_always_draw_the_same(seed: int, to: str, key: str, purpose: str) -> None:
    drawn = Draws(seed, to, key).uniform(purpose)
    assert drawn == Draws(seed, to, key).uniform(purpose)
    assert 0.0 < drawn < 1.0


@settings(deadline=None)
@given(st.text(), st.text(min_size=1), st.text())
def test_where_one_part_of_a_key_ends_matters(one: str, moved: str, other: str) -> None:
    assert Draws(1, one + moved, other).raw("x") != Draws(1, one, moved + other).raw("x")


def test_uniform_draws_fill_the_interval_evenly() -> None:
    drawn = [Draws(1, str(index)).uniform("p") for index in range(4000)]
    assert abs(fmean(drawn) - 0.5) < 0.02
    assert abs(sum(value < 0.1 for value in drawn) / 4000 - 0.1) < 0.02


def test_latencies_have_the_median_and_the_spread_they_are_given() -> None:
    drawn = [Draws(1, str(index)).lognormal("p", 6.0, 1.6) for index in range(4000)]
    assert abs(math.log(median(drawn) / 6.0)) < 0.1
    logs = [math.log(value / 6.0) for value in drawn]
    assert abs(math.sqrt(fmean([value * value for value in logs])) - 1.6) < 0.08


def test_no_spread_means_exactly_the_median() -> None:
    assert Draws(1, "a").lognormal("p", 5.0, 0.0) == 5.0
    assert Draws(1, "a").lognormal("p", 0.0, 1.0) == 0.0
