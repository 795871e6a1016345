"""Comparing two proportions: the pooled two-proportion z-test.

Arm A is the control or the first variant, B the other; totals are the people *assigned*, because assignment is what
was randomised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tulia.experiments.counts import INSUFFICIENT_DATA, NO_DIFFERENCE, check_alpha, check_arm
from tulia.experiments.counts import CountsInvalid as CountsInvalid
from tulia.experiments.counts import Inconclusive as Inconclusive
from tulia.experiments.tails import log_erfc as log_erfc

_ROOT_HALF = math.sqrt(0.5)


@dataclass(frozen=True, slots=True)
class TwoProportionResult:
    """Outcome of a two-sided test of equal rates.

    `rate_a`, `rate_b` and `difference` (B minus A) are proportions in 0…1 (-1…1). `z` is positive when B is better.
    `p_value` is two-sided and may underflow to 0.0; `log_p` is its natural logarithm and never does. `confidence_level`
    is 1 - p: how unusual the data would be without any difference, *not* the probability that one arm is better.
    `is_significant` is p < `alpha`.
    """

    rate_a: float
    rate_b: float
    difference: float
    z: float
    p_value: float
    log_p: float
    alpha: float
    is_significant: bool

    @property
    def confidence_level(self) -> float:
        """1 - p, computed so that it is exact near 0; near 1 it rounds to 1.0 (use `log_p` there)."""
        return abs(math.expm1(self.log_p))


def pooled_z_test(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> TwoProportionResult | Inconclusive:
    """The pooled two-proportion z-test, two-sided, without continuity correction.

    p̄ = (xA + xB)/(nA + nB), z = (pB - pA)/√(p̄(1 - p̄)(1/nA + 1/nB)), p = erfc(|z|/√2).

    `Inconclusive` with code ``insufficient_data`` when an arm has nobody, ``no_difference_observable`` when nobody or
    everybody succeeded. Raises `CountsInvalid` for impossible counts, `ValueError` for an `alpha` outside (0, 1).
    Source: Fleiss, Levin & Paik, *Statistical Methods for Rates and Proportions*, 3rd ed., chapter 3 (there with continuity
    correction).
    """
    check_alpha(alpha)
    check_arm(successes_a, total_a, name="a")
    check_arm(successes_b, total_b, name="b")
    if total_a == 0 or total_b == 0:
        return Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")
    successes, total = successes_a + successes_b, total_a + total_b
    if successes in (0, total):
        who = "Nobody" if successes == 0 else "Everybody"
        return Inconclusive(NO_DIFFERENCE, f"{who} did it in either variant, so no difference can be seen.")
    # The same z, multiplied out: whole numbers keep rates that differ in the last digits apart.
    z = (
        (successes_b * total_a - successes_a * total_b)
        * math.sqrt(total)
        / math.sqrt(total_a * total_b * successes * (total - successes))
    )
    log_p = log_erfc(abs(z) * _ROOT_HALF)
    return TwoProportionResult(
        rate_a=successes_a / total_a,
        rate_b=successes_b / total_b,
        difference=(successes_b * total_a - successes_a * total_b) / (total_a * total_b),
        z=z,
        p_value=math.erfc(abs(z) * _ROOT_HALF),
        log_p=log_p,
        alpha=alpha,
        is_significant=log_p < math.log(alpha),
    )


def relative_lift(better: float, worse: float) -> float | None:
    """How much more `better` is than `worse`, relative to `worse` (0.25 is 25 % more); None when `worse` is 0.

    The two are rates, in whichever order the caller holds to be better. Also None when a rate is not a finite number.
    """
    if not (math.isfinite(better) and math.isfinite(worse)) or worse == 0:
        return None
    lift = (better - worse) / worse
    return lift if math.isfinite(lift) else None


def wilson_interval(successes: int, total: int, *, z: float = 1.959963984540054) -> tuple[float, float] | Inconclusive:
    """The score interval of one proportion (Wilson 1927), in 0…1; `z` is the normal quantile, 95 % by default.

    It never leaves 0…1, and holds for few people and for rates near 0 and 1. Raises CountsInvalid.
    """
    if not 0 <= successes <= total:
        raise CountsInvalid(f"{successes} of {total} is impossible")
    if total == 0:
        return Inconclusive(INSUFFICIENT_DATA, "there is nobody to take a share of")
    share, weight = successes / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    return (0.0 if successes == 0 else max(0.0, middle - half), 1.0 if successes == total else min(1.0, middle + half))
