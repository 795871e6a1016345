"""What a test is planned to see: its people, its power, T*, and the same in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.campaigns import experiment, experiment_plan
from tulia.campaigns.experiment_plan import ExperimentPlan, sentences
from tulia.campaigns.models import MessageCampaign
from tulia.experiments import power, sequential
from tulia.experiments.analysis import analyse
from tulia.experiments.plan import ArmCounts


def campaign(*, arms: int = 2, weights: tuple[int, ...] = (), holdout: float = 0, **fields: Any) -> MessageCampaign:
    variants = [
        {"name": "ABCD"[arm], "content": "x"} | ({"weight": weights[arm]} if weights else {}) for arm in range(arms)
    ]
    return MessageCampaign(
        **{"is_ab_test": arms > 0, "variants": variants, "holdout_percent": Decimal(str(holdout))} | fields
    )


def plan(people: int, **fields: Any) -> ExperimentPlan:
    made = experiment_plan.plan(campaign(**fields), people)
    assert made is not None
    return made


def auto(percent: int = 20) -> dict[str, Any]:
    return {"auto_winner": {"test_percent": percent, "decide_after_minutes": 1_440, "if_undecided": "control"}}


def test_people_are_dealt_out_after_the_holdout_and_in_the_test_phase_only() -> None:
    assert plan(1_001).people_by_variant == (501, 500)
    weighed = plan(1_000, weights=(1, 3), holdout=10)
    assert (weighed.people_by_variant, weighed.held_out, weighed.rest) == ((225, 675), 100, 0)
    phased = plan(10_000, arms=4, holdout=5, **auto())
    assert (phased.people_by_variant, phased.held_out, phased.rest) == ((475,) * 4, 500, 7_600)
    alone = plan(1_000, arms=0, holdout=2.5)
    assert (alone.people_by_variant, alone.held_out, alone.comparisons) == ((975,), 25, 0)
    assert experiment_plan.plan(campaign(arms=0), 1_000) is None


def test_what_two_equal_arms_can_detect_is_what_the_formula_says() -> None:
    made = plan(8_420, expected_rate=0.05)
    assert made.people_by_variant == (4_210, 4_210)
    assert made.smallest_detectable_difference == power.detectable_difference(0.05, total_a=4_210)
    assert made.information == pytest.approx(4_210 / 2 * 0.05 / 0.95)
    assert (made.alpha, made.power, made.comparisons, made.is_worthwhile) == (0.05, 0.8, 1, True)
    said = "This test can detect differences of 1.4 points or more in how many reply, if about 5 % do"
    assert sentences(made) == (f"{said}: 4,210 people for each variant.",)


def test_more_variants_share_alpha_and_a_control_makes_fewer_comparisons() -> None:
    each, control = plan(40_000, arms=4), plan(40_000, arms=4, control_variant=2)
    assert (each.comparisons, control.comparisons) == (6, 3)
    assert each.smallest_detectable_difference == power.detectable_difference(0.05, total_a=10_000, comparisons=6)
    assert control.smallest_detectable_difference == power.detectable_difference(0.05, total_a=10_000, comparisons=3)


def test_of_unequal_arms_the_comparison_that_sees_least_counts() -> None:
    made = plan(30_000, arms=3, weights=(8, 1, 1))
    small = power.detectable_difference(0.05, total_a=3_000, comparisons=3)
    assert made.smallest_detectable_difference == small
    assert made.information == sequential.planned_information(3_000, 3_000, 0.05)


def test_of_a_frequent_metric_a_rise_is_planned_for_while_there_is_room_and_else_a_fall() -> None:
    common = plan(4_000, expected_rate=0.6).smallest_detectable_difference
    assert common == power.detectable_difference(0.6, total_a=2_000)
    nearly_all = plan(400, expected_rate=0.98).smallest_detectable_difference
    assert nearly_all == pytest.approx(power.detectable_difference(0.02, total_a=200))


def test_a_report_says_of_the_plan_what_was_said_before() -> None:
    asked = campaign(arms=3, weights=(1, 2, 2), control_variant=0, expected_rate=0.04)
    made = experiment_plan.plan(asked, 30_000)
    assert made is not None
    asked.experiment_plan = made.to_json()
    arms = tuple(ArmCounts(name, 100, 100, 4) for name in "ABC")
    found = analyse(arms, experiment.plan_of(asked), is_final=False)
    assert found.planned_detectable == made.smallest_detectable_difference


def test_a_holdout_is_compared_by_conversions_with_everybody_else() -> None:
    made = plan(100_000, holdout=10, **auto())
    assert made.holdout_expected_rate == 0.02
    assert made.holdout_smallest_detectable_difference == power.detectable_difference(0.02, total_a=10_000, ratio=9)
    assert made.holdout_information == sequential.planned_information(10_000, 90_000, 0.02)
    own = plan(100_000, holdout=10, primary_metric="converted", expected_rate=0.004)
    assert own.holdout_expected_rate == 0.004
    said = sentences(made)
    assert "Against the holdout of 10,000 people it can show a change of 0.44 points or more" in said[1]
    assert said[2] == ("72,000 people more get the winner when it is picked; they are not part of the comparison.")


@pytest.mark.parametrize(
    ("people", "fields", "warning"),
    [
        (0, {}, "can't detect any difference"),
        (1, {}, "can't detect any difference"),
        (3, {}, "can't detect any difference"),
        (400, {}, "hardly worth a test"),
        (1_500, {"expected_rate": 0.03}, "hardly worth a test"),
        (100_000, {"holdout": 0.01}, "hardly worth a holdout"),
        (100, {"arms": 0, "holdout": 1}, "hardly worth a holdout"),
        (100, {"arms": 0, "holdout": 0.01}, "too small"),
    ],
)
def test_what_can_show_nothing_useful_is_said_to(people: int, fields: dict[str, Any], warning: str) -> None:
    made = plan(people, **fields)
    assert made.is_worthwhile is False
    assert warning in " ".join(sentences(made))


def test_an_arm_with_fewer_than_forty_expected_events_is_not_worthwhile() -> None:
    assert plan(1_600, expected_rate=0.05).is_worthwhile is True
    assert plan(1_598, expected_rate=0.05).is_worthwhile is False


def test_an_assignment_by_an_attribute_is_planned_when_somebody_has_counted() -> None:
    replayed = campaign(assignment={"attribute": "segment", "holdout": "none"}, primary_metric="converted")
    before = experiment_plan.plan(replayed, 64_000)
    assert before is not None
    assert (before.people_by_variant, before.held_out, before.is_worthwhile) == (None, None, None)
    assert "read from their attribute" in sentences(before)[0]
    counted = experiment_plan.plan(replayed, 64_000, counted=[21_307, 21_387], held_out=21_306)
    assert counted is not None
    assert (counted.people_by_variant, counted.held_out, counted.rest) == ((21_307, 21_387), 21_306, 0)
    assert counted.is_worthwhile
    unnamed = experiment_plan.plan(campaign(assignment={"attribute": "x"}), 3, counted=[1, 1], held_out=1)
    assert unnamed is not None
    assert unnamed.holdout_expected_rate == 0.02
    assert counted.holdout_information == sequential.planned_information(21_306, 42_694, 0.02)


@settings(max_examples=200)
@given(
    people=st.integers(0, 2_000_000),
    weights=st.lists(st.integers(1, 100), min_size=2, max_size=4).map(tuple),
    holdout=st.integers(0, 5_000).map(lambda hundredths: hundredths / 100),
    percent=st.none() | st.integers(1, 90),
    rate=st.none() | st.floats(0.000001, 0.999999),
    metric=st.sampled_from(["responded", "read", "converted", "clicked"]),
    control=st.none() | st.integers(0, 1),
)
def test_everybody_is_planned_for_once_and_nothing_crashes(
    people: int,
    weights: tuple[int, ...],
    holdout: float,
    percent: int | None,
    rate: float | None,
    metric: str,
    control: int | None,
) -> None:
    made = plan(
        people, arms=len(weights), weights=weights, holdout=holdout, expected_rate=rate, primary_metric=metric,
        control_variant=control, **(auto(percent) if percent else {}),
    )  # fmt: skip
    assert made.people_by_variant is not None
    assert made.held_out is not None
    assert sum(made.people_by_variant) + made.held_out + made.rest == people
    assert all(sentences(made))
    assert orjson.loads(orjson.dumps(made.to_json())) == made.to_json()
    assert made.smallest_detectable_difference is None or 0 < made.smallest_detectable_difference < 1
