"""The verdict of a test: which arm is better, if any can be said to be. The one place where that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tulia.experiments.counts import INSUFFICIENT_DATA, NO_DIFFERENCE, Inconclusive
from tulia.experiments.evalues import harm, is_worse
from tulia.experiments.exact import fisher, smallest_expected
from tulia.experiments.plan import ArmCounts, Counted, GuardrailCounts, Plan
from tulia.experiments.proportions import TwoProportionResult, pooled_z_test
from tulia.experiments.sample_ratio import SampleRatio, check_split
from tulia.experiments.sequential import FEWEST_EVENTS, always_valid_p, boundary, information
from tulia.experiments.several import holm, pairs

FEWEST_EXPECTED = 5.0
"""With fewer expected in any cell of two arms, Fisher's test decides instead of z."""


@dataclass(frozen=True, slots=True)
class Tested:
    """Two arms and their p-values; the second compared with the first.

    `deciding_p` is z's, or Fisher's when `is_exact`; `adjusted_p` is Holm's over the family of comparisons. `sequential_p`
    and `adjusted_sequential_p` hold at any look; they are 1 before there are enough events or without a plan.
    `is_significant` is what the verdict goes by at this look.
    """

    first: int
    second: int
    z_test: TwoProportionResult | Inconclusive
    deciding_p: float
    is_exact: bool
    sequential_p: float
    adjusted_p: float
    adjusted_sequential_p: float
    is_significant: bool


@dataclass(frozen=True, slots=True)
class Harm:
    """A guardrail of one arm against the control, or against the others together without one."""

    name: str
    arm: int
    events: int
    people: int
    reference_events: int
    reference_people: int
    log_e: float
    always_valid_p: float
    is_harmed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said.

    `kind`: ``winner`` (`arm` did better than every other), ``leading`` (`arm` has the best rate, is better than `beaten`,
    and can't be told from `tied`), ``none`` (no difference could be shown), ``blocked`` (by `code` ``sample_ratio`` or
    ``guardrail``; for the latter `arm` is the one that would have won or led), ``inconclusive`` (`code`
    ``insufficient_data``, ``no_difference_observable`` or ``window_open``: can't be told yet). `reason` is plain words for
    the last two. `is_early`: said before the outcome windows closed, by what holds at any look.
    """

    kind: Literal["winner", "leading", "none", "blocked", "inconclusive"]
    arm: int | None = None
    beaten: tuple[int, ...] = ()
    tied: tuple[int, ...] = ()
    code: str | None = None
    reason: str = ""
    is_early: bool = False


def judge(
    counts: Counted,
    plan: Plan,
    *,
    is_final: bool,
    split: SampleRatio | Inconclusive | None = None,
    harms: tuple[Harm, ...] = (),
) -> tuple[Verdict, tuple[Tested, ...]]:
    """The verdict, and the comparisons it rests on.

    A winner has the best rate *and* is significantly better than every other arm, after Holm. With a control the
    comparisons with it are a family by themselves; to win, an arm must also beat the others in the family of all pairs.
    """
    tested = compare(counts, plan, is_final=is_final)
    return _verdict(counts, plan, tested, is_final=is_final, split=split, harms=harms), tested


def split_of(arms: tuple[ArmCounts, ...], plan: Plan, holdout: ArmCounts | None = None) -> SampleRatio | Inconclusive:
    """The sample-ratio check on everybody assigned, the holdout among them."""
    groups = arms if holdout is None else (*arms, holdout)
    if len(groups) < 2:
        return Inconclusive(INSUFFICIENT_DATA, "There is only one group.")
    weights = [group.weight for group in groups]
    return check_split([group.assigned for group in groups], weights, threshold=plan.split_threshold)


def harms_of(arms: tuple[ArmCounts, ...], plan: Plan, guardrails: tuple[GuardrailCounts, ...]) -> tuple[Harm, ...]:
    """Every guardrail of every arm, by an e-value, from the first event on. A guardrail's alpha is shared by the arms."""
    found = []
    for guardrail in guardrails:
        if len(guardrail.events) != len(arms):
            raise ValueError(f"guardrail {guardrail.name} must have as many counts as there are arms")
        compared = [arm for arm in range(len(arms)) if arm != plan.control]
        for arm in compared:
            others = [other for other in range(len(arms)) if other != arm]
            reference = others if plan.control is None else [plan.control]
            events, people = guardrail.events[arm], arms[arm].assigned
            reference_events = sum(guardrail.events[other] for other in reference)
            reference_people = sum(arms[other].assigned for other in reference)
            evidence = harm(reference_events, reference_people, events, people)
            log_e, p = (0.0, 1.0) if isinstance(evidence, Inconclusive) else (evidence.log_e, evidence.always_valid_p)
            harmed = p < plan.guardrail_alpha / len(compared) and is_worse(
                reference_events, reference_people, events, people
            )
            found.append(
                Harm(guardrail.name, arm, events, people, reference_events, reference_people, log_e, p, harmed)
            )
    return tuple(found)


def compare(counts: Counted, plan: Plan, *, is_final: bool) -> tuple[Tested, ...]:
    """All pairs, those with the control first. `adjusted_p` is within the control's family where there is one."""
    everyone = pairs(counts.arms)
    with_control = pairs(counts.arms, control=plan.control) if plan.control is not None else ()
    ordered = with_control + tuple(pair for pair in everyone if plan.control not in pair) if with_control else everyone
    shown = [plan.shown_alpha / members_of(plan, pair, counts.arms) for pair in ordered]
    tests = [_test(counts, plan, pair, alpha) for pair, alpha in zip(ordered, shown, strict=True)]
    fixed, anytime = [test[1] for test in tests], [test[3] for test in tests]
    adjusted, sequential = list(holm(fixed)), list(holm(anytime))
    if with_control:
        own = len(with_control)
        adjusted[:own], sequential[:own] = holm(fixed[:own]), holm(anytime[:own])
    return tuple(
        Tested(
            first,
            second,
            z_test,
            deciding_p,
            is_exact,
            sequential_p,
            adjusted_p,
            adjusted_sequential,
            adjusted_sequential < plan.early_alpha or (is_final and adjusted_p < plan.final_alpha),
        )
        for (first, second), (z_test, deciding_p, is_exact, sequential_p), adjusted_p, adjusted_sequential in zip(
            ordered, tests, adjusted, sequential, strict=True
        )
    )


def members_of(plan: Plan, pair: tuple[int, int], arms: int) -> int:
    """How many comparisons the family of this one has."""
    return arms - 1 if plan.control in pair else arms * (arms - 1) // 2


def deciding_p(
    tested: TwoProportionResult | Inconclusive, successes_a: int, total_a: int, successes_b: int, total_b: int
) -> tuple[float, bool]:
    """The p-value that a verdict goes by, and whether it is Fisher's; 1 when there is no difference to be seen."""
    if isinstance(tested, Inconclusive):
        return 1.0, False
    if smallest_expected(successes_a, total_a, successes_b, total_b) < FEWEST_EXPECTED:
        exact = fisher(successes_a, total_a, successes_b, total_b)
        if not isinstance(exact, Inconclusive):
            return exact, True
    return tested.p_value, False


def _test(
    counts: Counted, plan: Plan, pair: tuple[int, int], shown_alpha: float
) -> tuple[TwoProportionResult | Inconclusive, float, bool, float]:
    four = counts.pair(*pair)
    z_test = pooled_z_test(*four, alpha=plan.final_alpha)
    if isinstance(z_test, Inconclusive):
        return z_test, 1.0, False, 1.0
    return z_test, *deciding_p(z_test, *four), _sequential_p(four, z_test.z, plan.information_of(*pair), shown_alpha)


def _sequential_p(four: tuple[int, int, int, int], z: float, planned: float | None, alpha: float) -> float:
    successes, total = four[0] + four[2], four[1] + four[3]
    known = information(*four)
    if planned is None or known is None or min(successes, total - successes) < FEWEST_EVENTS:
        return 1.0
    return always_valid_p(known / planned * boundary(alpha), z)


def _verdict(
    counts: Counted,
    plan: Plan,
    tested: tuple[Tested, ...],
    *,
    is_final: bool,
    split: SampleRatio | Inconclusive | None,
    harms: tuple[Harm, ...],
) -> Verdict:
    if isinstance(split, SampleRatio) and split.is_mismatch:
        return Verdict("blocked", code="sample_ratio", reason="The groups are not of the planned sizes.")
    if counts.arms < 2 or not all(counts.totals):
        code = "window_open" if counts.arms > 1 and not is_final else INSUFFICIENT_DATA
        return Verdict("inconclusive", code=code, reason="At least one variant has nobody to go by yet.")
    undecided = _undecided(counts, is_final=is_final)
    if undecided is not None and not any(one.is_significant for one in tested):
        return undecided
    leader = _leader(counts, plan.control)
    others = [arm for arm in range(counts.arms) if arm != leader]
    significant = {frozenset((one.first, one.second)) for one in tested if one.is_significant}
    beaten = tuple(arm for arm in others if frozenset((leader, arm)) in significant)
    tied = tuple(arm for arm in others if arm not in beaten)
    if not beaten:
        return undecided or Verdict("none")
    harmed = next((one for one in harms if one.is_harmed and one.arm == leader), None)
    if harmed is not None:
        reason = f"It does harm by a guarded metric: {harmed.name}."
        return Verdict("blocked", arm=leader, beaten=beaten, tied=tied, code="guardrail", reason=reason)
    return Verdict("leading" if tied else "winner", arm=leader, beaten=beaten, tied=tied, is_early=not is_final)


def _undecided(counts: Counted, *, is_final: bool) -> Verdict | None:
    """What is to be said without any significant difference, unless that none could be shown."""
    successes, people = sum(counts.successes), sum(counts.totals)
    if not is_final:
        return Verdict("inconclusive", code="window_open", reason="Some people still have time to respond.")
    if successes in (0, people):
        who = "Nobody" if successes == 0 else "Everybody"
        return Verdict("inconclusive", code=NO_DIFFERENCE, reason=f"{who} did it, so no difference can be seen.")
    return None


def _leader(counts: Counted, control: int | None) -> int:
    """The arm with the best rate; a tie goes to the control, else to the first."""
    rates = [x / n for x, n in zip(counts.successes, counts.totals, strict=True)]
    best = max(rates)
    return control if control is not None and rates[control] == best else rates.index(best)
