import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.experiments import words
from tulia.experiments.analysis import Analysis, HoldoutFinding, analyse
from tulia.experiments.counts import CountsInvalid
from tulia.experiments.plan import ArmCounts, GuardrailCounts, Plan
from tulia.experiments.sequential import Sequential


def arms(*counts: tuple[int, int], weights: tuple[float, ...] = ()) -> tuple[ArmCounts, ...]:
    """Arms A, B, … of (successes, people), all matured."""
    shares = weights or (1.0,) * len(counts)
    return tuple(
        ArmCounts("ABCD"[place], people, people, successes, weight=shares[place])
        for place, (successes, people) in enumerate(counts)
    )


def final(*counts: tuple[int, int], **plan: Any) -> Analysis:
    return analyse(arms(*counts), Plan(**plan), is_final=True)


@pytest.mark.parametrize(
    ("counts", "plan", "kind", "arm", "beaten", "tied"),
    [
        (((380, 4210), (468, 4210)), {}, "winner", 1, (0,), ()),
        (((468, 4210), (380, 4210)), {"control": 0}, "winner", 0, (1,), ()),
        (((380, 4210), (400, 4210)), {}, "none", None, (), ()),
        (((200, 10_000), (250, 10_000), (330, 10_000)), {}, "winner", 2, (0, 1), ()),
        (((200, 10_000), (320, 10_000), (330, 10_000)), {}, "leading", 2, (0,), (1,)),
        (((200, 10_000), (320, 10_000), (330, 10_000)), {"control": 0}, "leading", 2, (0,), (1,)),
        (((200, 10_000), (250, 10_000), (231, 10_000)), {}, "none", None, (), ()),  # p .017 before Holm
        (((200, 10_000), (250, 10_000), (231, 10_000)), {"control": 0}, "leading", 1, (0,), (2,)),
        (((200, 10_000), (330, 10_000), (330, 10_000)), {}, "leading", 1, (0,), (2,)),
        (((330, 10_000), (200, 10_000), (330, 10_000)), {"control": 2}, "leading", 2, (1,), (0,)),
    ],
)
def test_a_winner_beats_every_other_arm_and_a_leader_only_some(
    counts: tuple[tuple[int, int], ...],
    plan: dict[str, Any],
    kind: str,
    arm: int | None,
    beaten: tuple[int, ...],
    tied: tuple[int, ...],
) -> None:
    verdict = final(*counts, **plan).verdict
    assert (verdict.kind, verdict.arm, verdict.beaten, verdict.tied) == (kind, arm, beaten, tied)


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (((0, 0), (0, 0)), "insufficient_data"),
        (((0, 100), (0, 100)), "no_difference_observable"),
        (((100, 100), (100, 100)), "no_difference_observable"),
    ],
)
def test_what_cannot_be_told_is_inconclusive_with_its_reason(counts: tuple[tuple[int, int], ...], code: str) -> None:
    verdict = final(*counts).verdict
    assert (verdict.kind, verdict.code) == ("inconclusive", code)
    assert verdict.reason.endswith(".")


def test_groups_of_other_sizes_than_planned_veto_the_verdict_the_holdout_among_them() -> None:
    found = final((380, 4210), (468, 3800))
    assert (found.verdict.kind, found.verdict.code) == ("blocked", "sample_ratio")
    held = ArmCounts("Holdout", 900, 900, 10, weight=0.2)
    groups = arms((50, 1_000), (90, 1_000))
    assert analyse(groups, Plan(), is_final=True).verdict.kind == "winner"
    assert analyse(groups, Plan(), is_final=True, holdout=held).verdict.kind == "blocked"


def test_a_guardrail_takes_the_victory_away_and_gives_it_to_nobody() -> None:
    groups = arms((380, 4210), (468, 4210))
    harmed = analyse(groups, Plan(control=0), is_final=True, guardrails=(GuardrailCounts("opt-outs", (3, 60)),))
    assert (harmed.verdict.kind, harmed.verdict.code, harmed.verdict.arm) == ("blocked", "guardrail", 1)
    assert "B had more opt-outs than the control (1.4 % against 0.1 %)." in words.sentences(harmed, noun="replies")
    spared = analyse(groups, Plan(control=0), is_final=True, guardrails=(GuardrailCounts("opt-outs", (60, 3)),))
    assert spared.verdict.kind == "winner"  # better there, too
    with pytest.raises(ValueError, match="as many counts"):
        analyse(groups, Plan(), is_final=True, guardrails=(GuardrailCounts("opt-outs", (1,)),))


def test_with_few_people_fishers_test_decides() -> None:
    # z says p = 0.0253, Fisher 0.0867
    found = final((0, 10), (4, 10))
    (comparison,) = found.comparisons
    assert comparison.tested.is_exact
    assert comparison.p_value == pytest.approx(0.0867, abs=1e-4)
    assert comparison.z == pytest.approx(math.sqrt(5))
    assert found.verdict.kind == "none"


def test_auto_stop_divides_alpha_and_names_a_winner_before_the_end() -> None:
    plan = Plan(auto_stop=True, baseline=0.1, totals=(5_000, 5_000))
    assert (plan.early_alpha, plan.final_alpha) == (pytest.approx(0.01), pytest.approx(0.04))
    early = tuple(ArmCounts(name, 5_000, 0, 0, so_far=x) for name, x in (("A", 200), ("B", 330)))
    found = analyse(early, plan, is_final=False)
    assert (found.verdict.kind, found.verdict.is_early) == ("winner", True)
    assert isinstance(found.comparisons[0].sequential, Sequential)
    assert found.comparisons[0].sequential.interval[0] > 0
    assert analyse(early, Plan(baseline=0.1, totals=(5_000, 5_000)), is_final=False).verdict.code == "window_open"
    # between 0.04 and 0.05: significant only when nothing was spent on looking
    borderline = ((200, 10_000), (242, 10_000))
    assert 0.04 < final(*borderline).comparisons[0].p_value < 0.05
    assert final(*borderline).verdict.kind == "winner"
    assert final(*borderline, auto_stop=True, baseline=0.02, totals=(10_000, 10_000)).verdict.kind == "none"


def test_the_verdict_goes_by_those_whose_window_has_closed_and_a_look_by_what_is_known() -> None:
    groups = tuple(ArmCounts(name, 1_000, 600, x, so_far=x + 20) for name, x in (("A", 60), ("B", 70)))
    plan = Plan(baseline=0.1, totals=(1_000, 1_000))
    end, look = analyse(groups, plan, is_final=True), analyse(groups, plan, is_final=False)
    assert [(arm.successes, arm.people) for arm in end.arms] == [(60, 600), (70, 600)]
    assert [(arm.successes, arm.people) for arm in look.arms] == [(80, 1_000), (90, 1_000)]
    assert end.share_matured == look.share_matured == 0.6


def test_a_holdout_has_comparisons_of_its_own() -> None:
    held = ArmCounts("Holdout", 5_000, 5_000, 92, weight=0.05)
    groups = arms((1_000, 47_500), (1_185, 47_500), weights=(0.475, 0.475))
    found = analyse(groups, Plan(), is_final=True, holdout=held)
    assert isinstance(found.holdout, HoldoutFinding)
    assert found.holdout.together.conversions == pytest.approx(437)
    assert found.holdout.together.share == pytest.approx(0.2)
    assert found.holdout.is_significant
    assert [one.arm for one in found.holdout.variants] == [0, 1]
    assert len(found.comparisons) == 1
    assert "About 437 of the 2,185 conversions would not have happened without the campaign" in " ".join(
        words.sentences(found, noun="conversions")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        (ArmCounts("A", 10, 11, 5), ArmCounts("B", 10, 10, 5)),
        (ArmCounts("A", 10, 5, 6), ArmCounts("B", 10, 10, 5)),
        (ArmCounts("A", 10, 10, 5, so_far=11), ArmCounts("B", 10, 10, 5)),
        (ArmCounts("A", 10, 10, -5), ArmCounts("B", 10, 10, 5)),
        (ArmCounts("A", 10, 10, 5),),
    ],
)
def test_impossible_counts_are_refused(wrong: tuple[ArmCounts, ...]) -> None:
    with pytest.raises(CountsInvalid):
        analyse(wrong, Plan(), is_final=True)


@pytest.mark.parametrize("wrong", [{"alpha": 0}, {"power": 1}, {"baseline": 2}, {"information": 0}])
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Plan(**wrong)


numbers = st.integers(0, 7).flatmap(lambda size: st.integers(0, 10**size))


@st.composite
def groups(draw: st.DrawFn, name: str = "A") -> ArmCounts:
    assigned = draw(numbers)
    matured = draw(st.integers(0, assigned))
    so_far = draw(st.one_of(st.none(), st.integers(0, assigned)))
    return ArmCounts(name, assigned, matured, draw(st.integers(0, matured)), so_far, draw(st.sampled_from([0.2, 1, 3])))


plans = st.builds(
    Plan,
    auto_stop=st.booleans(),
    control=st.sampled_from([None, 0, 1]),
    baseline=st.sampled_from([None, 0.0, 0.03, 0.9, 1.0]),
    totals=st.sampled_from([(), (100, 100), (5_000, 5_000, 5_000, 5_000), (0, 0, 0, 0)]),
)


def numbers_in(value: Any) -> list[float]:
    if dataclasses.is_dataclass(value):
        return [n for field in dataclasses.fields(value) for n in numbers_in(getattr(value, field.name))]
    if isinstance(value, tuple):
        return [n for item in value for n in numbers_in(item)]
    return [value] if isinstance(value, float) else []


@settings(max_examples=200, deadline=None)
@given(st.lists(groups(), min_size=2, max_size=4), plans, st.booleans(), st.one_of(st.none(), groups()))
def test_whatever_the_counts_there_is_an_answer_without_nan_and_words_for_it(
    given_arms: list[ArmCounts], plan: Plan, is_final: bool, held: ArmCounts | None
) -> None:
    named = tuple(dataclasses.replace(arm, name="ABCD"[place]) for place, arm in enumerate(given_arms))
    rails = (GuardrailCounts("opt-outs", tuple(arm.assigned // 7 for arm in named)),)
    found = analyse(named, plan, is_final=is_final, guardrails=rails, holdout=held)
    assert all(math.isfinite(number) for number in numbers_in(found))
    said = words.sentences(found, noun="replies")
    assert said
    for sentence in said:
        assert sentence.endswith(".")
        assert not any(bad in sentence for bad in ("nan", "inf", "None", "  "))
    text = " ".join(said)
    assert ("won:" in text) is (found.verdict.kind == "winner")
    assert ("proof" in text) is ("probability" in text)
    if not is_final and not plan.auto_stop:
        assert found.verdict.kind in ("inconclusive", "blocked")
