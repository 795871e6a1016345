"""What a test of a given reach will be able to see: before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tulia.experiments.analysis import detectable
from tulia.experiments.counts import Inconclusive, shares, whole
from tulia.experiments.plan import Plan
from tulia.experiments.power import detectable_difference

EXPECTED_LIFT = 0.2
"""What a better message can be hoped to bring; a test that sees only differences beyond twice that is no use."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A test before its launch.

    `totals`: people for each arm, `holdout`: people held out, `rest`: those who will get the winner (0 without a test on a
    part). `comparisons`: how many are made, which share alpha. `detectable`: the smallest difference in rate that is seen
    with the plan's power; `detectable_lift` the same relative to the baseline. `holdout_detectable`: that of everybody
    written to against the holdout, None without one. `is_useful`: whether a lift of twice the expected one would be seen.
    """

    baseline: float
    totals: tuple[int, ...]
    holdout: int
    rest: int
    comparisons: int
    power: float
    detectable: float | Inconclusive
    detectable_lift: float | None
    holdout_detectable: float | Inconclusive | None
    is_useful: bool


def plan_test(
    reach: int,
    plan: Plan,
    *,
    baseline: float,
    weights: Sequence[float],
    holdout_percent: float = 0.0,
    test_percent: float = 100.0,
    expected_lift: float = EXPECTED_LIFT,
) -> Planned:
    """Deals `reach` people out to the arms by `weights`, after a holdout and, with `test_percent`, on a part of them.

    Sizes add up and differ from the exact shares by less than a person. The plan's own baseline and totals don't matter
    here. Raises `CountsInvalid` or `ValueError` for what makes no sense.
    """
    reach = whole(reach, field="reach")
    if not 0 <= holdout_percent < 100:
        raise ValueError(f"holdout_percent must be from 0 to below 100, not {holdout_percent}")
    if not 0 < test_percent <= 100:
        raise ValueError(f"test_percent must be from above 0 to 100, not {test_percent}")
    if not 0 <= baseline <= 1:
        raise ValueError(f"baseline must be a rate from 0 to 1, not {baseline}")
    planned = shares(weights)
    if len(planned) < 2:
        raise ValueError("there must be at least two arms")
    holdout = round(reach * holdout_percent / 100)
    written = reach - holdout
    tested = round(written * test_percent / 100)
    totals = _dealt(tested, planned)
    comparisons = len(totals) - 1 if plan.control is not None else len(totals) * (len(totals) - 1) // 2
    seen = detectable(totals, plan, baseline, comparisons=comparisons)
    if isinstance(seen, Inconclusive) and min(totals) == 0:
        seen = Inconclusive("insufficient_data", "There aren't enough people for each variant to have one.")
    lift = seen / baseline if not isinstance(seen, Inconclusive) and baseline > 0 else None
    against: float | Inconclusive | None = None
    if holdout and written:
        against = detectable_difference(
            baseline, total_a=holdout, ratio=written / holdout, alpha=plan.alpha, power=plan.power
        )
    return Planned(
        baseline=baseline,
        totals=totals,
        holdout=holdout,
        rest=written - tested,
        comparisons=comparisons,
        power=plan.power,
        detectable=seen,
        detectable_lift=lift,
        holdout_detectable=against,
        is_useful=_is_useful(seen, baseline, expected_lift),
    )


def _is_useful(seen: float | Inconclusive, baseline: float, expected_lift: float) -> bool:
    return not isinstance(seen, Inconclusive) and seen <= 2 * expected_lift * baseline


def _dealt(people: int, planned: tuple[float, ...]) -> tuple[int, ...]:
    """By the largest remainders, earlier arms first among equals."""
    exact = [people * share for share in planned]
    sizes = [int(size) for size in exact]
    order = sorted(range(len(exact)), key=lambda arm: sizes[arm] - exact[arm])
    for arm in order[: people - sum(sizes)]:
        sizes[arm] += 1
    return tuple(sizes)
