"""More than two variants: the overall test as information, and Holm's correction, which decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from tulia.experiments.counts import INSUFFICIENT_DATA, NO_DIFFERENCE, CountsInvalid, Inconclusive, whole
from tulia.experiments.tails import chi_square_tail


@dataclass(frozen=True, slots=True)
class Omnibus:
    """The chi-square test that all rates are equal. It says nothing about which differ, and unlocks no other test."""

    chi_square: float
    degrees: int
    p_value: float


def omnibus(successes: Sequence[int], totals: Sequence[int]) -> Omnibus | Inconclusive:
    """Pearson's chi-square over all arms: Σ (x - n·p̄)²/(n·p̄·(1 - p̄)).

    `Inconclusive` when an arm is empty, or nobody or everybody succeeded. Raises `CountsInvalid`.
    """
    check_arms(successes, totals)
    if not all(totals):
        return Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")
    succeeded, people = sum(successes), sum(totals)
    if succeeded in (0, people):
        who = "Nobody" if succeeded == 0 else "Everybody"
        return Inconclusive(NO_DIFFERENCE, f"{who} did it in every variant, so no difference can be seen.")
    # In whole numbers up to the last division: rare events among many people keep their digits.
    chi_square = sum((x * people - n * succeeded) ** 2 / n for x, n in zip(successes, totals, strict=True))
    chi_square /= succeeded * (people - succeeded)
    degrees = len(totals) - 1
    return Omnibus(chi_square, degrees, chi_square_tail(chi_square, degrees))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values adjusted for being several, in their order. Holm (1979), *Scand. J. Stat.* 6:65.

    Each is at least the raw one; those below alpha may be called significant together with an error rate of alpha.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("p-values must lie between 0 and 1")
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for position, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - position) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def pairs(arms: int, *, control: int | None = None) -> tuple[tuple[int, int], ...]:
    """The comparisons that are made: each arm with the control when one is named, else every arm with every other."""
    if control is None:
        return tuple(combinations(range(arms), 2))
    if not 0 <= control < arms:
        raise ValueError(f"control must be one of the arms 0 to {arms - 1}, not {control}")
    return tuple((control, arm) for arm in range(arms) if arm != control)


def check_arms(successes: Sequence[int], totals: Sequence[int]) -> None:
    """Raises `CountsInvalid` unless there are at least two arms with possible counts."""
    if len(successes) != len(totals):
        raise CountsInvalid("There must be as many counts of successes as of people.", field="successes")
    if len(totals) < 2:
        raise CountsInvalid("There must be at least two arms.", field="totals")
    for arm, (x, n) in enumerate(zip(successes, totals, strict=True)):
        if whole(x, field=f"successes[{arm}]") > whole(n, field=f"totals[{arm}]"):
            raise CountsInvalid(f"Arm {arm} has more successes ({x}) than people ({n}).", field=f"successes[{arm}]")
