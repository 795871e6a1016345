"""Intervals for the difference of two rates, B minus A.

Shown is Mee's: it inverts the pooled z-test, so that it excludes 0 exactly when that test is significant. Newcombe's is
the closed formula beside it. All are two-sided at level 1 - `alpha`. `Inconclusive` (``insufficient_data``) when an arm
has nobody; impossible counts raise `CountsInvalid`.
"""

from __future__ import annotations

import math

from tulia.experiments.counts import INSUFFICIENT_DATA, Inconclusive, check_alpha, check_arm
from tulia.experiments.proportions import wilson_interval
from tulia.experiments.roots import crossing
from tulia.experiments.tails import two_sided_quantile

Interval = tuple[float, float]

_NOBODY = Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")


def mee(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> Interval | Inconclusive:
    """The score interval. Mee (1984), *Biometrics* 40:1175; restricted rates as Farrington & Manning (1990)."""
    return _score(successes_a, total_a, successes_b, total_b, alpha, widening=1.0)


def miettinen_nurminen(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> Interval | Inconclusive:
    """The score interval with variance times N/(N-1). Miettinen & Nurminen (1985), *Stat. Med.* 4:213."""
    total = total_a + total_b
    return _score(successes_a, total_a, successes_b, total_b, alpha, widening=total / (total - 1) if total > 1 else 1.0)


def newcombe(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> Interval | Inconclusive:
    """Wilson's limits of either arm, combined. Newcombe (1998), *Stat. Med.* 17:873, method 10."""
    if not _checked(successes_a, total_a, successes_b, total_b, alpha):
        return _NOBODY
    return _newcombe(successes_a, total_a, successes_b, total_b, two_sided_quantile(alpha))


def agresti_caffo(
    successes_a: int, total_a: int, successes_b: int, total_b: int, *, alpha: float = 0.05
) -> Interval | Inconclusive:
    """Wald's interval after a success and a failure more in either arm; may exceed ±1. *Am. Statistician* (2000) 54:280."""
    if not _checked(successes_a, total_a, successes_b, total_b, alpha):
        return _NOBODY
    xa, na, xb, nb = successes_a + 1, total_a + 2, successes_b + 1, total_b + 2
    middle = (xb * na - xa * nb) / (na * nb)
    half = two_sided_quantile(alpha) * math.sqrt(xa * (na - xa) / na**3 + xb * (nb - xb) / nb**3)
    return middle - half, middle + half


def _checked(successes_a: int, total_a: int, successes_b: int, total_b: int, alpha: float) -> bool:
    check_alpha(alpha)
    check_arm(successes_a, total_a, name="a")
    check_arm(successes_b, total_b, name="b")
    return total_a > 0 and total_b > 0


def _newcombe(xa: int, na: int, xb: int, nb: int, z: float) -> Interval:
    (low_a, high_a), (low_b, high_b) = _wilson(xa, na, z), _wilson(xb, nb, z)
    rate_a, rate_b, difference = xa / na, xb / nb, (xb * na - xa * nb) / (na * nb)
    low = difference - math.hypot(rate_b - low_b, high_a - rate_a)
    high = difference + math.hypot(high_b - rate_b, rate_a - low_a)
    return max(-1.0, low), min(1.0, high)


def _wilson(successes: int, total: int, z: float) -> Interval:
    found = wilson_interval(successes, total, z=z)
    assert not isinstance(found, Inconclusive)  # nobody has been ruled out
    return found


def _score(xa: int, na: int, xb: int, nb: int, alpha: float, *, widening: float) -> Interval | Inconclusive:
    if not _checked(xa, na, xb, nb, alpha):
        return _NOBODY
    z = two_sided_quantile(alpha)
    low, high = _newcombe(xa, na, xb, nb, z)
    z *= math.sqrt(widening)
    return -_upper_limit(xb, nb, xa, na, z, guess=-low), _upper_limit(xa, na, xb, nb, z, guess=high)


def _upper_limit(xa: int, na: int, xb: int, nb: int, z: float, *, guess: float) -> float:
    """The difference above the observed one at which |observed - difference| = z·√V(difference)."""
    observed = (xb * na - xa * nb) / (na * nb)
    if observed >= 1:
        return 1.0
    # Counting the rarer outcome keeps the digits of rates near 1; failures exchange the arms.
    if 2 * (xa + xb) > na + nb:
        xa, na, xb, nb = nb - xb, nb, na - xa, na
    last, at, share_b = (xa + xb) / (na + nb), 0.0, nb / (na + nb)

    def excess(difference: float) -> float:
        nonlocal last, at
        last, at = last - (difference - at) * share_b, difference  # about where rate A is to be found
        if difference >= 0:
            rate_a = last = _restricted(xa, na, xb, nb, difference, last)
            rate_b = rate_a + difference
        else:
            rate_b = _restricted(xb, nb, xa, na, -difference, last + difference)
            rate_a = last = rate_b - difference
        variance = max(0.0, rate_a * (1 - rate_a)) / na + max(0.0, rate_b * (1 - rate_b)) / nb
        return difference - observed - z * math.sqrt(variance)

    spread = z * math.sqrt(xa * (na - xa) / na**3 + xb * (nb - xb) / nb**3)
    width = max(guess - observed, spread)
    return crossing(
        excess, low=observed, at_low=-spread, high=1.0, at_high=1 - observed, start=guess, within=1e-7 * width
    )


def _restricted(xa: int, na: int, xb: int, nb: int, difference: float, start: float) -> float:
    """The most likely rate q of A when B's is q + `difference` ≥ q.

    The zero of the derivative of the log likelihood, which falls all the way, by Newton's method within a bracket. (The
    cubic formula of Farrington & Manning is the same zero, but loses digits when events are rare and people many.)
    """
    if difference == 0:
        return (xa + xb) / (na + nb)
    failed_a, failed_b, highest = na - xa, nb - xb, 1 - difference
    if highest <= 0 or (xa == 0 and xb / difference - failed_a - (failed_b / highest if failed_b else 0.0) <= 0):
        return 0.0
    if failed_b == 0 and (xa / highest if xa else 0.0) - failed_a / difference + xb >= 0:
        return highest
    low, high = 0.0, highest
    rate = start if low < start < high else high / 2
    for _ in range(100):
        rate_b, left_a = rate + difference, 1 - rate
        left_b = highest - rate
        a, b, c, d = xa / rate, failed_a / left_a, xb / rate_b, failed_b / left_b
        slope = a - b + c - d
        if slope > 0:
            low = rate
        else:
            high = rate
        bend = a / rate + b / left_a + c / rate_b + d / left_b
        following = rate + slope / bend
        if abs(following - rate) <= 1e-6 * min(rate, left_b):
            return following if low <= following <= high else rate
        if not low < following < high:
            following = (low + high) / 2
            if not low < following < high:
                return rate
        rate = following
    return rate
