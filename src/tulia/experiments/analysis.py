"""Everything that a test's counts say, in one frozen result. Its sentences are made by `words`.

    found = analyse(
        (ArmCounts("A", assigned=4210, matured=4210, successes=380),
         ArmCounts("B", assigned=4210, matured=4210, successes=468)),
        Plan(control=0, baseline=0.09, totals=(4210, 4210)),
        is_final=True,
    )
    found.verdict.kind            # "winner"
    found.comparisons[0].interval  # (0.008…, 0.034…)
    words.sentences(found, noun="replies")

``Inconclusive`` stands wherever a figure doesn't exist; nothing is NaN or infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

from tulia.experiments import bayes, difference, lift, power, sequential, several
from tulia.experiments.counts import CountsInvalid, Inconclusive
from tulia.experiments.holdout import Increment, incremental_conversions
from tulia.experiments.plan import ArmCounts, Counted, GuardrailCounts, Plan, counted
from tulia.experiments.proportions import TwoProportionResult, pooled_z_test, wilson_interval
from tulia.experiments.sample_ratio import SampleRatio
from tulia.experiments.sequential import Sequential
from tulia.experiments.verdict import Harm, Tested, Verdict, deciding_p, harms_of, judge, members_of, split_of


@dataclass(frozen=True, slots=True)
class ArmFinding:
    """One arm at this look: `people` are those the look goes by, `rate` and `interval` (Wilson, 95 %) None without any."""

    name: str
    assigned: int
    people: int
    successes: int
    rate: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms: the second relative to the first, which is the control where there is one.

    `difference` is in rate. `interval` (Mee) and `lift_interval` (Koopman) are at level 1 - `interval_alpha`, the final
    test's alpha divided by the number of comparisons, so that all of them hold together; they mean something at the end
    only. `sequential` holds at any look, likewise for all comparisons together.
    """

    first: int
    second: int
    tested: Tested
    difference: float | None
    interval: tuple[float, float] | None
    lift: float | None
    lift_interval: tuple[float, float | None] | None
    interval_alpha: float
    sequential: Sequential | Inconclusive

    @property
    def z(self) -> float | None:
        return self.tested.z_test.z if isinstance(self.tested.z_test, TwoProportionResult) else None

    @property
    def p_value(self) -> float:
        """The one that decides: z's, or Fisher's with few people."""
        return self.tested.deciding_p

    @property
    def is_significant(self) -> bool:
        return self.tested.is_significant


@dataclass(frozen=True, slots=True)
class VariantIncrement:
    """One variant against the holdout. `adjusted_p` is Holm's over the variants."""

    arm: int
    increment: Increment
    adjusted_p: float


@dataclass(frozen=True, slots=True)
class HoldoutFinding:
    """What the campaign caused: all variants together, and each (a family of its own, apart from variant v. variant).

    Intervals are at 1 - alpha of the plan. Before the end they are a first impression only.
    """

    together: Increment
    p_value: float
    is_significant: bool
    variants: tuple[VariantIncrement, ...]
    people: int
    converted: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """The whole finding.

    `share_matured`: of everybody assigned, whose outcome window has closed (None without anybody). `omnibus`: for
    information, with three arms or more, else None. `detectable`: the smallest difference that the people at this look
    suffice to see with the planned power; `planned_detectable`: the same for the planned people. `posterior` is None
    when asked not to compute it. `alpha` is that of the final test.
    """

    plan: Plan
    is_final: bool
    arms: tuple[ArmFinding, ...]
    share_matured: float | None
    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    omnibus: several.Omnibus | Inconclusive | None
    split: SampleRatio | Inconclusive
    guardrails: tuple[Harm, ...]
    posterior: bayes.Posterior | None
    detectable: float | Inconclusive
    planned_detectable: float | Inconclusive
    holdout: HoldoutFinding | Inconclusive | None

    @property
    def alpha(self) -> float:
        return self.plan.final_alpha

    def between(self, one: int, other: int) -> Comparison:
        """The comparison of two arms, whichever is first in it."""
        return next(found for found in self.comparisons if {found.first, found.second} == {one, other})

    def is_underpowered(self, comparison: Comparison) -> bool:
        """Whether the observed difference is smaller than what so few people can show reliably."""
        if isinstance(self.detectable, Inconclusive) or comparison.difference is None:
            return True
        return abs(comparison.difference) < self.detectable


def analyse(
    arms: tuple[ArmCounts, ...],
    plan: Plan,
    *,
    is_final: bool,
    guardrails: tuple[GuardrailCounts, ...] = (),
    holdout: ArmCounts | None = None,
    uncounted: ArmCounts | None = None,
    with_posterior: bool = True,
) -> Analysis:
    """Two to four arms (more work, too) and their plan at one look. Raises `CountsInvalid` for impossible counts.

    `is_final`: all outcome windows have closed, or nothing later will be looked at. Anything before is a look "so far".
    `holdout` is compared with the arms; `uncounted` is one whose outcomes aren't known here: only its size is checked.
    """
    if len(arms) < 2:
        raise CountsInvalid("There must be at least two arms.", field="arms")
    if plan.control is not None and not 0 <= plan.control < len(arms):
        raise ValueError(f"control must be one of the arms 0 to {len(arms) - 1}, not {plan.control}")
    counts = counted(arms, is_final=is_final)
    split = split_of(arms, plan, holdout or uncounted)
    harms = harms_of(arms, plan, guardrails)
    verdict, tested = judge(counts, plan, is_final=is_final, split=split, harms=harms)
    family = len(arms) - 1 if plan.control is not None else len(tested)
    assigned = sum(arm.assigned for arm in arms)
    return Analysis(
        plan=plan,
        is_final=is_final,
        arms=tuple(_arm(arm, counts, place) for place, arm in enumerate(arms)),
        share_matured=sum(arm.matured for arm in arms) / assigned if assigned else None,
        verdict=verdict,
        comparisons=tuple(_comparison(one, counts, plan) for one in tested),
        omnibus=several.omnibus(counts.successes, counts.totals) if len(arms) > 2 else None,
        split=split,
        guardrails=harms,
        posterior=bayes.compare_all(counts.successes, counts.totals, prior=plan.prior) if with_posterior else None,
        detectable=_detectable(counts, plan, family),
        planned_detectable=detectable(plan.totals, plan, plan.baseline, comparisons=family),
        holdout=_against_holdout(counted((*arms, holdout), is_final=is_final), plan) if holdout is not None else None,
    )


def detectable(
    totals: tuple[int, ...], plan: Plan, baseline: float | None, *, comparisons: int
) -> float | Inconclusive:
    """The smallest difference from `baseline` that is seen with the plan's power between the two smallest arms."""
    if baseline is None or len(totals) < 2 or min(totals) <= 0:
        return Inconclusive("not_planned", "Sizes and an expected rate are needed to tell.")
    smallest = sorted(totals)[:2]
    found = power.detectable_difference(
        baseline,
        total_a=smallest[0],
        ratio=smallest[1] / smallest[0],
        alpha=plan.final_alpha,
        power=plan.power,
        comparisons=comparisons,
    )
    if isinstance(found, Inconclusive) and baseline > 0.5:  # no room above, but below
        return power.detectable_difference(
            1 - baseline,
            total_a=smallest[0],
            ratio=smallest[1] / smallest[0],
            alpha=plan.final_alpha,
            power=plan.power,
            comparisons=comparisons,
        )
    return found


def _detectable(counts: Counted, plan: Plan, comparisons: int) -> float | Inconclusive:
    people = sum(counts.totals)
    baseline = sum(counts.successes) / people if people else None
    if plan.control is not None and counts.totals[plan.control]:
        baseline = counts.successes[plan.control] / counts.totals[plan.control]
    return detectable(counts.totals, plan, baseline, comparisons=comparisons)


def _arm(arm: ArmCounts, counts: Counted, place: int) -> ArmFinding:
    successes, people = counts.successes[place], counts.totals[place]
    interval = wilson_interval(successes, people)
    known = None if isinstance(interval, Inconclusive) else interval
    return ArmFinding(arm.name, arm.assigned, people, successes, successes / people if people else None, known)


def _comparison(tested: Tested, counts: Counted, plan: Plan) -> Comparison:
    members = members_of(plan, (tested.first, tested.second), counts.arms)
    four = counts.pair(tested.first, tested.second)
    alpha = plan.final_alpha / members
    interval, lifted = difference.mee(*four, alpha=alpha), lift.koopman(*four, alpha=alpha)
    xa, na, xb, nb = four
    return Comparison(
        first=tested.first,
        second=tested.second,
        tested=tested,
        difference=(xb * na - xa * nb) / (na * nb) if na and nb else None,
        interval=None if isinstance(interval, Inconclusive) else interval,
        lift=lift.observed_lift(*four),
        lift_interval=None if isinstance(lifted, Inconclusive) else lifted,
        interval_alpha=alpha,
        sequential=_sequential(four, plan, tested, members),
    )


def _sequential(four: tuple[int, int, int, int], plan: Plan, tested: Tested, members: int) -> Sequential | Inconclusive:
    planned = plan.information_of(tested.first, tested.second)
    if planned is None:
        return Inconclusive("not_planned", "No expected rate and sizes were fixed before the launch.")
    if isinstance(tested.z_test, Inconclusive):
        return tested.z_test
    return sequential.of_test(tested.z_test, *four, planned=planned, alpha=plan.shown_alpha / members)


def _against_holdout(counts: Counted, plan: Plan) -> HoldoutFinding | Inconclusive:
    """The last of the counts is the holdout."""
    held, people_held = counts.successes[-1], counts.totals[-1]
    variants = list(zip(counts.successes[:-1], counts.totals[:-1], strict=True))
    converted, people = sum(x for x, _ in variants), sum(n for _, n in variants)
    together = incremental_conversions(held, people_held, converted, people, alpha=plan.alpha)
    if isinstance(together, Inconclusive):
        return together
    p_value = _p(held, people_held, converted, people)
    adjusted = several.holm([_p(held, people_held, x, n) for x, n in variants])
    each = []
    for arm, (x, n) in enumerate(variants):
        increment = incremental_conversions(held, people_held, x, n, alpha=plan.alpha)
        if not isinstance(increment, Inconclusive):
            each.append(VariantIncrement(arm, increment, adjusted[arm]))
    return HoldoutFinding(together, p_value, p_value < plan.alpha, tuple(each), people, converted)


def _p(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float:
    tested = pooled_z_test(successes_a, total_a, successes_b, total_b)
    return deciding_p(tested, successes_a, total_a, successes_b, total_b)[0]
