"""Tails of the normal and the chi-square distribution, without underflow where logarithms are given."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_STANDARD = NormalDist()


@lru_cache(maxsize=1024)
def two_sided_quantile(alpha: float) -> float:
    """The z that a standard normal value exceeds on either side with probability `alpha` (1.96 for 0.05)."""
    return -_STANDARD.inv_cdf(alpha / 2)


@lru_cache(maxsize=1024)
def quantile(probability: float) -> float:
    """The z below which a standard normal value lies with this probability."""
    return _STANDARD.inv_cdf(probability)


def below(z: float) -> float:
    """The probability that a standard normal value lies below `z`, exact in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def log_erfc(x: float) -> float:
    """ln erfc(x) for x ≥ 0, without underflow (erfc itself is 0.0 from about 26.5 on).

    Beyond 20 by the asymptotic series of DLMF 7.12.1, four terms: relative error below 1e-9 there.
    """
    if x < 0.5:
        return math.log1p(-math.erf(x))
    if x < 20:
        return math.log(math.erfc(x))
    inverse = 1 / (2 * x * x)
    series = 1 - inverse * (1 - 3 * inverse * (1 - 5 * inverse))
    return -x * x - math.log(x * math.sqrt(math.pi)) + math.log(series)


def chi_square_tail(chi_square: float, degrees: int) -> float:
    """P(χ² > `chi_square`) for a whole number of degrees of freedom; may underflow to 0.0.

    Even degrees: e^(-x/2) Σ (x/2)^i/i!; odd ones: erfc(√(x/2)) + e^(-x/2) Σ (x/2)^(i-½)/Γ(i+½). Abramowitz & Stegun
    26.4.4 and 26.4.5. Every term is positive, so no digits are lost.
    """
    if chi_square <= 0:
        return 1.0
    half = chi_square / 2
    if degrees % 2:
        tail, first = math.erfc(math.sqrt(half)), 0.5
    else:
        tail, first = 0.0, 0.0
    log_half = math.log(half)
    terms = degrees // 2
    tail += math.fsum(math.exp((first + i) * log_half - half - math.lgamma(first + i + 1)) for i in range(terms))
    return min(1.0, tail)
