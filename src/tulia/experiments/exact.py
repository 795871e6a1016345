"""Fisher's exact test, for counts too small for the normal approximation."""

from __future__ import annotations

import math

from tulia.experiments.counts import INSUFFICIENT_DATA, Inconclusive, check_arm

_TIES = 1e-7
_WIDEST = 50_000.0
_NEGLIGIBLE = 1e-18
_HALF_LOG_TWO_PI = 0.9189385332046727


def fisher(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float | Inconclusive:
    """Fisher's two-sided p: all tables with the same margins that are no more likely than the observed one.

    Ties are told with a relative tolerance of 1e-7, as in R's ``fisher.test``. The tails are summed outwards from a first
    term by Loader's saddle-point formula (2000), so any counts will do whose distribution is not wider than 50,000
    (``too_many_people`` beyond, where it agrees with the z-test anyway).
    """
    check_arm(successes_a, total_a, name="a")
    check_arm(successes_b, total_b, name="b")
    if total_a == 0 or total_b == 0:
        return Inconclusive(INSUFFICIENT_DATA, "At least one variant has nobody assigned to it yet.")
    total, successes = total_a + total_b, successes_a + successes_b
    lowest, highest = max(0, successes - total_b), min(total_a, successes)
    if lowest == highest:
        return 1.0
    spread = math.sqrt(successes * (total - successes) * (total_a / total) * (total_b / total) / total)
    if spread > _WIDEST:
        return Inconclusive(
            "too_many_people", "There are too many people for an exact test; the z-test is exact enough."
        )
    mode = (total_a + 1) * (successes + 1) // (total + 2)
    observed = successes_a
    if observed < mode:  # so that the observed one lies above
        total_a, total_b, observed = total_b, total_a, successes_b
        lowest, highest = max(0, successes - total_b), min(total_a, successes)
        mode = (total_a + 1) * (successes + 1) // (total + 2)
    at_observed = log_hypergeometric(observed, total_a, total_b, successes)
    ceiling = at_observed + _TIES
    if log_hypergeometric(mode, total_a, total_b, successes) <= ceiling:
        return 1.0
    p = math.exp(at_observed) * _tail(observed, highest, total_a, total_b, successes)
    if log_hypergeometric(lowest, total_a, total_b, successes) <= ceiling:
        low, high = lowest, mode  # likely enough at `high`, not at `low`
        while high - low > 1:
            middle = (low + high) // 2
            if log_hypergeometric(middle, total_a, total_b, successes) <= ceiling:
                low = middle
            else:
                high = middle
        # Seen from B, the lower tail is an upper one.
        first = math.exp(log_hypergeometric(low, total_a, total_b, successes))
        p += first * _tail(successes - low, successes - lowest, total_b, total_a, successes)
    return min(1.0, p)


def smallest_expected(successes_a: int, total_a: int, successes_b: int, total_b: int) -> float:
    """The least of the four counts that equal rates would lead one to expect; 0 with an empty arm."""
    total = total_a + total_b
    if total == 0:
        return 0.0
    successes = successes_a + successes_b
    return min(total_a, total_b) * (min(successes, total - successes) / total)


def _tail(first: int, last: int, total_a: int, total_b: int, successes: int) -> float:
    """The probabilities of `first` … `last` successes in A, relative to that of `first`, beyond the mode."""
    sum_, term = 1.0, 1.0
    failed = total_b - successes
    for x in range(first, last):
        term *= (total_a - x) * (successes - x) / ((x + 1) * (failed + x + 1))
        sum_ += term
        if term < _NEGLIGIBLE * sum_:
            break
    return sum_


def log_hypergeometric(x: int, total_a: int, total_b: int, successes: int) -> float:
    """ln of the probability that `x` of the `successes` fall to A. Loader (2000), as in R's ``dhyper``."""
    total = total_a + total_b
    p, q = successes / total, (total - successes) / total
    return (
        _log_binomial(x, total_a, p, q)
        + _log_binomial(successes - x, total_b, p, q)
        - _log_binomial(successes, total, p, q)
    )


def _log_binomial(x: int, n: int, p: float, q: float) -> float:
    if x == 0:
        return 0.0 if n == 0 else (-_deviance(n, n * q) - n * p if p < 0.1 else n * math.log(q))
    if x == n:
        return -_deviance(n, n * p) - n * q if q < 0.1 else n * math.log(p)
    exponent = (
        stirling_error(n) - stirling_error(x) - stirling_error(n - x) - _deviance(x, n * p) - _deviance(n - x, n * q)
    )
    return exponent - _HALF_LOG_TWO_PI - 0.5 * (math.log(x) + math.log1p(-x / n))


def stirling_error(n: float) -> float:
    """ln Γ(n+1) minus Stirling's formula for it, n > 0."""
    if n < 16:
        return math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - _HALF_LOG_TWO_PI
    square = 1 / (n * n)
    series = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188))))
    return series / n


def _deviance(x: float, expected: float) -> float:
    """x·ln(x/expected) + expected - x, without cancellation when they are close."""
    if abs(x - expected) < 0.1 * (x + expected):
        v = (x - expected) / (x + expected)
        sum_ = (x - expected) * v
        term, square = 2 * x * v, v * v
        for j in range(1, 1000):
            term *= square
            following = sum_ + term / (2 * j + 1)
            if following == sum_:
                break
            sum_ = following
        return sum_
    return x * math.log(x / expected) + expected - x
