"""Inference that holds at every look: for people who watch a test while it runs.

A normal mixture (Robbins) in the form of Waudby-Smith et al., arXiv 2103.06476: with t the clock, L = L(alpha) and
c(t) = √((t + 1)/t·(ln(t + 1) - 2·ln alpha)), the interval is D ± c(t)·SE and the p-value
min(1, √(t + 1)·exp(-t·z²/(2(t + 1)))). With a clock that fits, the chance that the interval *ever* excludes the truth is
at most alpha.

The clock is the odds clock: T = n_h·p̄/(1 - p̄), n_h = nA·nB/(nA + nB), relative to its planned value T* at the end of
the test. In a campaign everybody may be assigned in the first minute while outcomes ripen for days; then the number of
people stands still, and a clock that counts people gives 7 to 10 % false winners. √n_h·(F_B - F_A) is a Brownian bridge
in F; divided by 1 - F it is a Brownian motion with this clock (``docs/statistics.md`` has the simulation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tulia.experiments.counts import NO_DIFFERENCE, Inconclusive, check_alpha
from tulia.experiments.proportions import TwoProportionResult, pooled_z_test

FEWEST_EVENTS = 40
"""No sequential verdict before so many successes and as many failures: before, the normal approximation is too rough."""


@dataclass(frozen=True, slots=True)
class Sequential:
    """What holds at any look. `is_significant` needs p < alpha and `has_enough_events`."""

    information: float
    clock: float
    z: float
    critical_z: float
    difference: float
    interval: tuple[float, float]
    always_valid_p: float
    alpha: float
    has_enough_events: bool

    @property
    def is_significant(self) -> bool:
        return self.has_enough_events and self.always_valid_p < self.alpha


def boundary(alpha: float) -> float:
    """L(alpha) = -2·ln alpha + ln(-2·ln alpha + 1): the clock at which the interval is tightest."""
    check_alpha(alpha)
    twice = -2 * math.log(alpha)
    return twice + math.log1p(twice)


def information(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float | None:
    """T = n_h·p̄/(1 - p̄); None when an arm is empty or everybody succeeded."""
    total, successes = total_a + total_b, successes_a + successes_b
    if total_a == 0 or total_b == 0 or successes == total:
        return None
    return total_a * (total_b / total) * (successes / (total - successes))


def planned_information(total_a: float, total_b: float, rate: float) -> float:
    """T* for the sizes that two arms will have at the end and the rate expected of them; fix it before the launch."""
    if not (0 < rate < 1 and total_a > 0 and total_b > 0):
        raise ValueError("arms must have people and the rate must lie between 0 and 1")
    return total_a * total_b / (total_a + total_b) * rate / (1 - rate)


def critical_z(clock: float, alpha: float) -> float:
    """c(t): what |z| must exceed at this clock; infinite at clock 0."""
    return math.sqrt((clock + 1) / clock * (math.log1p(clock) - 2 * math.log(alpha))) if clock > 0 else math.inf


def always_valid_p(clock: float, z: float) -> float:
    """min(1, √(t + 1)·exp(-t·z²/(2(t + 1)))); underflows to 0.0."""
    return min(1.0, math.exp(min(0.0, 0.5 * math.log1p(clock) - clock / (clock + 1) * z * z / 2)))


def compare(
    successes_a: int,
    total_a: int,
    successes_b: int,
    total_b: int,
    *,
    planned: float,
    alpha: float = 0.05,
) -> Sequential | Inconclusive:
    """B against A at this moment, by the odds clock; `planned` is T*. All counts so far, per person assigned.

    Mistaking T* fourfold costs power, not truth. `Inconclusive` as in `pooled_z_test`.
    """
    if not 0 < planned < math.inf:
        raise ValueError("planned information (T*) must be a positive number")
    tested = pooled_z_test(successes_a, total_a, successes_b, total_b, alpha=alpha)
    if isinstance(tested, Inconclusive):
        return tested
    return of_test(tested, successes_a, total_a, successes_b, total_b, planned=planned, alpha=alpha)


def of_test(
    tested: TwoProportionResult,
    successes_a: int,
    total_a: int,
    successes_b: int,
    total_b: int,
    *,
    planned: float,
    alpha: float,
) -> Sequential | Inconclusive:
    """`compare` where the z-test of these counts is at hand; `alpha` needn't be that test's."""
    known = information(successes_a, total_a, successes_b, total_b)
    clock = (known or 0.0) / planned * boundary(alpha)
    if known is None or not 0 < clock < math.inf:
        return Inconclusive(NO_DIFFERENCE, "There is nothing to go by yet.")
    critical = critical_z(clock, alpha)
    half = critical * unpooled_error(successes_a, total_a, successes_b, total_b)
    successes = successes_a + successes_b
    return Sequential(
        information=known,
        clock=clock,
        z=tested.z,
        critical_z=critical,
        difference=tested.difference,
        interval=(tested.difference - half, tested.difference + half),
        always_valid_p=always_valid_p(clock, tested.z),
        alpha=alpha,
        has_enough_events=min(successes, total_a + total_b - successes) >= FEWEST_EVENTS,
    )


def unpooled_error(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float:
    """√(pA(1 - pA)/nA + pB(1 - pB)/nB)."""
    return math.sqrt(
        successes_a * (total_a - successes_a) / total_a**3 + successes_b * (total_b - successes_b) / total_b**3
    )
