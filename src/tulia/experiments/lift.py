"""Intervals for the relative lift, rate B over rate A minus 1.

Shown is Koopman's, which inverts the pooled z-test; Katz's is the closed formula beside it. An interval is (low, high):
low is -1 when nobody succeeded in B, high is None (no upper limit) when nobody did in A. `Inconclusive` when an arm has
nobody (``insufficient_data``) or there is no lift to speak of (``lift_undefined``).
"""

from __future__ import annotations

import math

from tulia.experiments.counts import INSUFFICIENT_DATA, Inconclusive, check_alpha, check_arm
from tulia.experiments.roots import crossing
from tulia.experiments.tails import two_sided_quantile

LiftInterval = tuple[float, float | None]

_NOBODY = Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")
_UNDEFINED = Inconclusive(
    "lift_undefined", "Nobody did it in one of the variants, so there is nothing to be relative to."
)


def observed_lift(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float | None:
    """Rate B relative to rate A, minus 1; None when nobody succeeded in A or an arm is empty."""
    if successes_a == 0 or total_b == 0 or total_a == 0:
        return None
    return (successes_b * total_a - successes_a * total_b) / (successes_a * total_b)


def koopman(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> LiftInterval | Inconclusive:
    """The score interval of the ratio. Koopman (1984), *Biometrics* 40:513."""
    return _score(successes_a, total_a, successes_b, total_b, alpha, widening=1.0)


def miettinen_nurminen(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> LiftInterval | Inconclusive:
    """The score interval of the ratio with variance times N/(N-1). Miettinen & Nurminen (1985)."""
    total = total_a + total_b
    return _score(successes_a, total_a, successes_b, total_b, alpha, widening=total / (total - 1) if total > 1 else 1.0)


def katz(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> LiftInterval | Inconclusive:
    """The interval by the logarithm of the ratio. Katz et al. (1978), *Biometrics* 34:469. Undefined with a zero."""
    if not _checked(successes_a, total_a, successes_b, total_b, alpha):
        return _NOBODY
    if successes_a == 0 or successes_b == 0:
        return _UNDEFINED
    return _by_logarithm(successes_a, total_a, successes_b, total_b, two_sided_quantile(alpha))


def adjusted_logarithm(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> LiftInterval | Inconclusive:
    """Katz's interval with half a success and half a person more in either arm (Walter 1975): defined with zeros."""
    if not _checked(successes_a, total_a, successes_b, total_b, alpha):
        return _NOBODY
    z = two_sided_quantile(alpha)
    return _by_logarithm(successes_a + 0.5, total_a + 0.5, successes_b + 0.5, total_b + 0.5, z)


def _checked(successes_a: int, total_a: int, successes_b: int, total_b: int, alpha: float) -> bool:
    check_alpha(alpha)
    check_arm(successes_a, total_a, name="a")
    check_arm(successes_b, total_b, name="b")
    return total_a > 0 and total_b > 0


def _by_logarithm(xa: float, na: float, xb: float, nb: float, z: float) -> LiftInterval:
    half = z * math.sqrt((nb - xb) / (xb * nb) + (na - xa) / (xa * na))
    # log1p and expm1 keep the digits of a small lift.
    middle = math.log1p((xb * na - xa * nb) / (xa * nb))
    high = _exponential(middle + half)
    return _exponential(middle - half) or 0.0, high if math.isfinite(high) else None


def _exponential(x: float) -> float:
    return math.expm1(x) if x < 700 else math.inf


def _score(xa: int, na: int, xb: int, nb: int, alpha: float, *, widening: float) -> LiftInterval | Inconclusive:
    if not _checked(xa, na, xb, nb, alpha):
        return _NOBODY
    if xa == 0 and xb == 0:
        return _UNDEFINED
    z = two_sided_quantile(alpha) * math.sqrt(widening)
    # The lowest ratio B to A is the inverse of the highest ratio A to B.
    low, high = -1.0, None
    if xb:
        inverse, inverse_lift = _upper_limit(xb, nb, xa, na, z)
        low = -inverse_lift / inverse
    if xa:
        _, high = _upper_limit(xa, na, xb, nb, z)
    return low, high


def _upper_limit(xa: int, na: int, xb: int, nb: int, z: float) -> tuple[float, float]:
    """The ratio above the observed one at which |pB - R·pA| = z·√V(R), and the lift R - 1; A has successes.

    The restricted rates solve a quadratic; its discriminant, and what is left to 1, are written without a difference of
    large numbers, so that rates near 0 and 1 keep their digits at any number of people. For the same reason small ratios
    are sought themselves, and others as lifts.
    """
    failed_a, failed_b, successes = na - xa, nb - xb, xa + xb
    rate_a, ratio_guess = xa / na, (xb + 0.5) / (nb + 1) / ((xa + 0.5) / (na + 1))
    is_small = ratio_guess < 0.5
    # pB - R·pA and R·(nB + xA) - (nA + xB), where R is the ratio x, or 1 + x
    if is_small:
        from_ratio, distance, slant_at_zero = 0.0, xb / nb, -(na + xb)
    else:
        from_ratio, distance, slant_at_zero = 1.0, (xb * na - xa * nb) / (na * nb), failed_b - failed_a

    def excess(x: float) -> float:
        ratio = from_ratio + x
        slant = x * (nb + xa) + slant_at_zero
        product = 4 * ratio * failed_a * failed_b
        root = math.sqrt(slant * slant + product)
        if slant >= 0:
            plus = root + slant
            minus = product / plus if plus else 0.0
        else:
            minus = root - slant
            plus = product / minus
        whole = ratio * (nb + xa) + (na + xb) + root
        unsuccessful_a = (2 * failed_a + plus) / whole
        unsuccessful_b = (2 * ratio * failed_b + minus) / whole
        share = 2 * successes / whole
        variance = ratio * share * (unsuccessful_b / nb + ratio * unsuccessful_a / na)
        return x * rate_a - distance - z * math.sqrt(variance)

    half = z * math.sqrt((failed_b + 0.5) / ((xb + 0.5) * (nb + 1)) + (failed_a + 0.5) / ((xa + 0.5) * (na + 1)))
    observed = distance / rate_a
    highest_guess = ratio_guess * math.exp(min(half, 3.0)) - from_ratio
    low, high = observed, max(highest_guess, observed + 1e-6 * abs(observed), observed + 1e-15)
    observed_ratio = from_ratio + observed
    at_low = -z * math.sqrt(xb * failed_b / nb**3 + observed_ratio * observed_ratio * xa * failed_a / na**3)
    at_high = excess(high)
    while at_high < 0 and high < 1e300:
        low, at_low = high, at_high
        high = observed + 2 * (high - observed)
        at_high = excess(high)
    start = high - at_high * (high - low) / (at_high - at_low) if at_high > at_low and at_low < 0 else high
    found = crossing(
        excess, low=low, at_low=at_low, high=high, at_high=at_high, start=start, within=1e-7 * (high - observed)
    )
    return from_ratio + found, found if from_ratio else found - 1
