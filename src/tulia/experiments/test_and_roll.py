"""Test on some, send the winner to the rest: how many to test on, and which arm to take.

This maximises what the campaign brings, which asks for no significance: the arm that is most probably better is sent. So
the arm is *selected*, not *proven* better. Feit & Berman (2019), *Marketing Science* 38:1038, arXiv 1811.00457.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tulia.experiments.several import check_arms

FEWEST_EVENTS = 40


@dataclass(frozen=True, slots=True)
class Selected:
    """The arm to send to the rest, by its place. `rates` are the posterior means of all arms; `is_tie` when the best was
    not alone, and `arm` is then the control, or the first of the best without one."""

    arm: int
    rates: tuple[float, ...]
    is_tie: bool


@dataclass(frozen=True, slots=True)
class Vetoed:
    """No arm is selected. `code` is one of ``sample_ratio``, ``guardrail``, ``window_open``, ``too_few_events``."""

    code: str
    reason: str


def best_test_size(people: float, *, mean: float, deviation: float) -> float:
    """People for each of two test arms, unrounded, when `people` in all are written to.

    n* = √(N/4·r + (¾·r)²) - ¾·r with r = μ(1 - μ)/σ²; μ and σ are mean and deviation of the rates that messages of this
    kind have. Feit & Berman, eq. 10 with equal priors.
    """
    if not 0 < people < math.inf:
        raise ValueError("people must be a positive number")
    if not 0 < mean < 1:
        raise ValueError("mean must lie between 0 and 1")
    if not 0 < deviation < math.inf:
        raise ValueError("deviation must be a positive number")
    relative = mean * (1 - mean) / deviation / deviation
    if relative == 0:
        return 0.0
    # The formula above without its difference of large numbers.
    return people / 4 / (math.sqrt(people / 4 / relative + 0.5625) + 0.75)


def select(
    successes: Sequence[int],
    totals: Sequence[int],
    *,
    control: int | None = None,
    prior: tuple[float, float] = (1.0, 1.0),
    is_split_as_planned: bool = True,
    are_guardrails_kept: bool = True,
    is_window_closed: bool = True,
    fewest_events: int = FEWEST_EVENTS,
) -> Selected | Vetoed:
    """The arm with the highest posterior mean at the time that was set beforehand; a tie goes to the control.

    The vetoes come first, in the order of `Vetoed`. What then happens (the control for all, or waiting) the plan says.
    Only counts of the test phase may come in, never those of the roll-out. Raises `CountsInvalid`.
    """
    check_arms(successes, totals)
    if not is_split_as_planned:
        return Vetoed("sample_ratio", "The groups are not of the planned sizes, so they can't be compared.")
    if not are_guardrails_kept:
        return Vetoed("guardrail", "A variant does harm by one of the guarded metrics.")
    if not is_window_closed:
        return Vetoed("window_open", "Some people of the test still have time to respond.")
    succeeded, people = sum(successes), sum(totals)
    if min(succeeded, people - succeeded) < fewest_events:
        return Vetoed("too_few_events", f"Fewer than {fewest_events} people did it, or didn't: too few to choose by.")
    alpha, beta = prior
    if not (0 < alpha < math.inf and 0 < beta < math.inf):
        raise ValueError("prior must be two positive numbers")
    rates = tuple((x + alpha) / (n + alpha + beta) for x, n in zip(successes, totals, strict=True))
    best = [arm for arm, rate in enumerate(rates) if rate == max(rates)]
    return Selected(
        arm=control if control is not None and control in best else best[0], rates=rates, is_tie=len(best) > 1
    )
