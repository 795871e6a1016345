"""Before sending: how many people a test needs, and what it can see with those it has."""

from __future__ import annotations

import math

from tulia.experiments.counts import Inconclusive, check_alpha
from tulia.experiments.roots import crossing
from tulia.experiments.tails import below, quantile, two_sided_quantile

_SAME_RATE = Inconclusive("no_difference", "There is no difference to detect between equal rates.")
_UNDETECTABLE = Inconclusive("undetectable", "With so few people no difference at all can be detected reliably.")


def sample_size(
    rate_a: float,
    rate_b: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    comparisons: int = 1,
) -> float | Inconclusive:
    """People needed in A (`ratio` times as many in B) to tell these rates apart with this power, unrounded.

    n = [z_{α/2}·√(p̄q̄(1 + 1/r)) + z_β·√(p₁q₁ + p₂q₂/r)]²/(p₂ - p₁)², p̄ = (p₁ + r·p₂)/(1 + r). Fleiss, Levin & Paik (2003),
    eq. 4.14 without correction; with r = 1 it is R's ``power.prop.test``. With several comparisons alpha is shared.
    """
    _check(rate_a, rate_b, alpha=alpha, power=power, ratio=ratio, comparisons=comparisons)
    if rate_a == rate_b:
        return _SAME_RATE
    under_null, under_effect = _spreads(rate_a, rate_b, ratio)
    root = two_sided_quantile(alpha / comparisons) * under_null + quantile(power) * under_effect
    return _squared(max(0.0, root) / abs(rate_b - rate_a))


def power_of(
    rate_a: float,
    rate_b: float,
    *,
    total_a: float,
    alpha: float = 0.05,
    ratio: float = 1.0,
    comparisons: int = 1,
) -> float | Inconclusive:
    """The chance that a test with `total_a` people in A and `ratio` times as many in B is significant.

    The inverse of `sample_size`; like R's ``power.prop.test`` it leaves out the chance of a verdict the wrong way round.
    """
    _check(rate_a, rate_b, alpha=alpha, power=0.5, ratio=ratio, comparisons=comparisons)
    _check_people(total_a)
    under_null, under_effect = _spreads(rate_a, rate_b, ratio)
    excess = math.sqrt(total_a) * abs(rate_b - rate_a) - two_sided_quantile(alpha / comparisons) * under_null
    if under_effect == 0:
        return float(excess > 0) if rate_a != rate_b else Inconclusive("no_variation", "Nothing varies at these rates.")
    return below(excess / under_effect)


def detectable_difference(
    rate_a: float,
    *,
    total_a: float,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    comparisons: int = 1,
) -> float | Inconclusive:
    """The smallest rise above `rate_a` that is detected with this power (a difference, not a lift).

    Found by inverting `sample_size`. `Inconclusive` (``undetectable``) when even a rise to 100 % is not. For falls ask with
    1 - `rate_a`.
    """
    _check(rate_a, rate_a, alpha=alpha, power=power, ratio=ratio, comparisons=comparisons)
    _check_people(total_a)
    z_alpha, z_beta, root_people = two_sided_quantile(alpha / comparisons), quantile(power), math.sqrt(total_a)

    def excess(difference: float) -> float:
        under_null, under_effect = _spreads(rate_a, min(1.0, rate_a + difference), ratio)
        return root_people * difference - z_alpha * under_null - z_beta * under_effect

    highest = 1 - rate_a
    at_highest = excess(highest)
    if highest <= 0 or at_highest <= 0:
        return _UNDETECTABLE
    z = max(0.0, z_alpha + z_beta) / root_people
    # As if the variance stayed what it is, plus what it grows by when events are rare.
    guess = z * math.sqrt(rate_a * (1 - rate_a) * (1 + 1 / ratio)) + 0.5 * z * z / ratio
    return crossing(
        excess,
        low=0.0,
        at_low=min(0.0, excess(0.0)),
        high=highest,
        at_high=at_highest,
        start=guess,
        within=1e-11 * guess,
    )


def sample_size_evan_miller(
    rate: float, difference: float, *, alpha: float = 0.05, power: float = 0.8
) -> float | Inconclusive:
    """People needed in each arm as evanmiller.org/ab-testing/sample-size.html computes it, unrounded.

    Its null variance is that of the baseline alone, and a baseline above ½ is turned round (1 - rate) while the difference
    stays. (20 % and 5 points: 1,030.)
    """
    _check(rate, rate, alpha=alpha, power=power, ratio=1.0, comparisons=1)
    baseline = 1 - rate if rate > 0.5 else rate
    changed = baseline + difference
    if not 0 <= changed <= 1:
        raise ValueError("the baseline and the difference must add up to a rate from 0 to 1")
    if difference == 0:
        return _SAME_RATE
    variance = baseline * (1 - baseline)
    root = two_sided_quantile(alpha) * math.sqrt(2 * variance)
    root += quantile(power) * math.sqrt(variance + changed * (1 - changed))
    return _squared(max(0.0, root) / difference)


def cohen_h(rate_a: float, rate_b: float) -> float:
    """Cohen's effect size h = 2·asin √pB - 2·asin √pA. Cohen (1988), eq. 6.2.1."""
    for rate in (rate_a, rate_b):
        _check_rate(rate)
    # The difference of two arcus sinus, by atan2, so that close rates keep their digits.
    difference = rate_b - rate_a
    sine = math.sqrt(rate_b * (1 - rate_a)) + math.sqrt(rate_a * (1 - rate_b))
    cosine = math.sqrt((1 - rate_a) * (1 - rate_b)) + math.sqrt(rate_a * rate_b)
    return 2 * math.atan2(difference / sine, cosine) if sine else 0.0


def sample_size_cohen_h(
    h: float, *, alpha: float = 0.05, power: float = 0.8, ratio: float = 1.0
) -> float | Inconclusive:
    """People needed in A to detect the effect size `h`: n = (1 + 1/r)·((z_{α/2} + z_β)/h)². Cohen (1988), chapter 6."""
    _check(0.5, 0.5, alpha=alpha, power=power, ratio=ratio, comparisons=1)
    if not math.isfinite(h):
        raise ValueError("the effect size must be a number")
    if h == 0:
        return _SAME_RATE
    return _squared(math.sqrt(1 + 1 / ratio) * max(0.0, two_sided_quantile(alpha) + quantile(power)) / h)


def _spreads(rate_a: float, rate_b: float, ratio: float) -> tuple[float, float]:
    mean = (rate_a + ratio * rate_b) / (1 + ratio)
    under_null = math.sqrt(max(0.0, mean * (1 - mean)) * (1 + 1 / ratio))
    return under_null, math.sqrt(rate_a * (1 - rate_a) + rate_b * (1 - rate_b) / ratio)


def _squared(root: float) -> float | Inconclusive:
    people = root * root
    return people if math.isfinite(people) else Inconclusive("too_many_people", "There aren't so many people.")


def _check(rate_a: float, rate_b: float, *, alpha: float, power: float, ratio: float, comparisons: int) -> None:
    _check_rate(rate_a)
    _check_rate(rate_b)
    check_alpha(alpha)
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, not {power}")
    if not 1e-9 <= ratio <= 1e9:
        raise ValueError(f"the ratio of people must be a positive number, not {ratio}")
    if comparisons < 1:
        raise ValueError(f"there must be at least one comparison, not {comparisons}")


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate must lie between 0 and 1, not {rate}")


def _check_people(people: float) -> None:
    if not 0 < people < math.inf:
        raise ValueError(f"there must be people, not {people}")
