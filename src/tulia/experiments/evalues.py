"""E-values: evidence against a stated split that may be looked at after every event, with no correction for looking.

If the split holds, the chance that an e-value ever reaches 1/alpha is at most alpha, however many looks (Ville).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tulia.experiments.counts import INSUFFICIENT_DATA, CountsInvalid, Inconclusive, check_arm, shares, whole
from tulia.experiments.exact import stirling_error


@dataclass(frozen=True, slots=True)
class EValue:
    """`log_e` is the natural logarithm of the e-value, `always_valid_p` is min(1, 1/e)."""

    log_e: float

    @property
    def always_valid_p(self) -> float:
        return 1.0 if self.log_e <= 0 else math.exp(-self.log_e)


def multinomial(observed: Sequence[int], weights: Sequence[float], *, concentration: float) -> EValue:
    """Evidence that `observed` counts don't come in proportion to `weights`.

    Dirichlet-multinomial mixture: ln E = ln B(kw + o) - ln B(kw) - Σ o·ln w with concentration k. Lindon & Malek (2022),
    *NeurIPS*, arXiv 2011.03567. Written as Σ A·w·φ((a - A·w)/(A·w)), φ(d) = (1 + d)·ln(1 + d) - d, a = kw + o, A = Σ a, and
    Stirling's corrections, so that no large numbers are subtracted.
    """
    if len(observed) != len(weights):
        raise CountsInvalid("There must be as many weights as counts.", field="weights")
    if not 1e-7 <= concentration <= 1e15:
        raise ValueError(f"concentration must be a positive number, not {concentration}")
    counts = [whole(count, field=f"observed[{arm}]") for arm, count in enumerate(observed)]
    planned = shares(weights)
    people = sum(counts)
    total = concentration + people
    log_e = 0.5 * math.log1p(people / concentration) + stirling_error(concentration) - stirling_error(total)
    for count, share in zip(counts, planned, strict=True):
        before = concentration * share
        expected = total * share
        log_e += expected * _phi((count - people * share) / expected)
        log_e += stirling_error(before + count) - stirling_error(before) - 0.5 * math.log1p(count / before)
    return EValue(log_e)


def harm(
    events_control: int,
    total_control: int,
    events: int,
    total: int,
    *,
    concentration: float = 100.0,
) -> EValue | Inconclusive:
    """Evidence that a rare event (an opt-out, a complaint, a failure) is not shared as the people are.

    Beta-binomial mixture on the stream of events: each falls to the arm with probability n/(n + n_control) when neither
    arm is worse. Valid from the first event on. Two-sided: ask `is_worse` for the direction.
    """
    check_arm(events_control, total_control, name="a")
    check_arm(events, total, name="b")
    if total_control == 0 or total == 0:
        return Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")
    return multinomial((events_control, events), (total_control, total), concentration=concentration)


def is_worse(events_control: int, total_control: int, events: int, total: int) -> bool:
    """Whether the rate of the event is higher than in the control."""
    return events * total_control > events_control * total


def _phi(d: float) -> float:
    """(1 + d)·ln(1 + d) - d for d ≥ -1, without cancellation near 0."""
    if d <= -1:
        return 1.0
    if abs(d) > 0.1:
        return (1 + d) * math.log1p(d) - d
    # Σ (-d)^i/(i(i-1)), i ≥ 2
    sum_, power = 0.0, -d
    for i in range(2, 40):
        power *= -d
        following = sum_ + power / (i * (i - 1))
        if following == sum_:
            break
        sum_ = following
    return sum_
