"""5,000 random pairs of arms against statsmodels and scipy, and against slow bisections of our own where those are wrong.

(The score interval for a difference of statsmodels 0.15.0 is: issue 10269 of its repository.)
"""

import math
import random
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.stats import beta, boschloo_exact, chi2, chi2_contingency, fisher_exact

from tulia.experiments import bayes, difference, evalues, lift, power, sample_ratio, several, unconditional
from tulia.experiments.counts import Inconclusive
from tulia.experiments.exact import fisher
from tulia.experiments.proportions import pooled_z_test
from tulia.experiments.tails import chi_square_tail

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import (
        confint_proportions_2indep,
        power_proportions_2indep,
        proportions_ztest,
    )

Four = tuple[int, int, int, int]
Z = 1.959963984540054


def arms(many: int, *, largest: float = 6.0, seed: int = 1) -> list[Four]:
    """Pairs of arms of all sizes, with rates from 0 to 1 that are often close to either, and to each other."""
    drawn = random.Random(seed)
    found = []
    for _ in range(many):
        rate = drawn.choice([drawn.random(), 10 ** drawn.uniform(-5, 0), 1 - 10 ** drawn.uniform(-5, 0)])
        sizes = [int(10 ** drawn.uniform(0, largest)) for _ in "ab"]
        counted = [min(n, max(0, round(n * rate * drawn.uniform(0.7, 1.3)))) for n in sizes]
        found.append((counted[0], sizes[0], counted[1], sizes[1]))
    return found


def pair(interval: object) -> tuple[float, float]:
    assert isinstance(interval, tuple), interval
    low, high = interval
    return low, math.inf if high is None else high


def test_z_and_closed_intervals_agree_on_5000_pairs() -> None:
    for xa, na, xb, nb in arms(5_000):
        tested = pooled_z_test(xa, na, xb, nb)
        if not isinstance(tested, Inconclusive):
            z, p = proportions_ztest([xb, xa], [nb, na])
            assert tested.z == pytest.approx(z, rel=1e-7, abs=1e-9)
            assert tested.p_value == pytest.approx(p, rel=1e-6, abs=1e-300)
        for ours, method, compare in (
            (difference.newcombe, "newcomb", "diff"),
            (difference.agresti_caffo, "agresti-caffo", "diff"),
            (lift.adjusted_logarithm, "log-adjusted", "ratio"),
        ):
            expected = confint_proportions_2indep(xb, nb, xa, na, method=method, compare=compare)
            found = pair(ours(xa, na, xb, nb))
            shift = 1.0 if compare == "ratio" else 0.0
            assert [limit + shift for limit in found] == pytest.approx(list(expected), rel=1e-8, abs=1e-10)


def bisected(excess: Callable[[Any], Any], low: Any, high: Any, *, steps: int = 90) -> Any:
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return (low + high) / 2


def restricted(four: Any, delta: Any, *, steps: int = 90) -> Any:
    """Rate A at the largest likelihood with rate B = rate A + delta, by bisecting the derivative."""
    xa, na, xb, nb = four

    def falling(q: Any) -> Any:
        return -sum(
            count / of if of > 0 else (math.inf if count else 0.0) for count, of in ((xa, q), (xb, q + delta))
        ) + sum(
            count / of if of > 0 else (math.inf if count else 0.0)
            for count, of in ((na - xa, 1 - q), (nb - xb, 1 - q - delta))
        )

    return bisected(falling, max(0.0, -delta), min(1.0, 1.0 - delta), steps=steps)


def test_the_score_interval_of_the_difference_agrees_with_a_bisection_of_its_definition() -> None:
    for four in arms(60, largest=4.5, seed=2):
        xa, na, xb, nb = four
        observed = xb / nb - xa / na

        def excess(delta: float, four: Four = four, observed: float = observed) -> float:
            _, na, _, nb = four
            q = restricted(four, delta)
            variance = q * (1 - q) / na + (q + delta) * (1 - q - delta) / nb
            return abs(observed - delta) - Z * math.sqrt(max(0.0, variance))

        low, high = pair(difference.mee(*four))
        width = high - low
        if observed < 1:
            assert high == pytest.approx(bisected(excess, observed + width * 1e-9, 1.0), abs=2e-5 * width + 1e-12)
        if observed > -1:
            mirrored = -bisected(lambda delta: excess(-delta), -observed + width * 1e-9, 1.0)
            assert low == pytest.approx(mirrored, abs=2e-5 * width + 1e-12)


def test_the_score_interval_of_the_ratio_agrees_with_statsmodels() -> None:
    for xa, na, xb, nb in arms(400, largest=4.0, seed=3):
        if min(xa, xb, na - xa, nb - xb) < 1:
            continue
        for ours, correction in ((lift.koopman, False), (lift.miettinen_nurminen, True)):
            expected = confint_proportions_2indep(
                xb, nb, xa, na, method="score", compare="ratio", correction=correction
            )
            low, high = pair(ours(xa, na, xb, nb))
            assert (low + 1, high + 1) == pytest.approx(tuple(expected), rel=2e-5)


def test_score_intervals_keep_their_digits_with_rare_events_among_a_hundred_million() -> None:
    for four in ((100, 10**8, 130, 10**8), (10**8 - 100, 10**8, 10**8 - 130, 10**8), (3, 5_000_000, 290, 95_000_000),
                 (31, 7_623_858, 317_625_207, 512_257_412)):  # fmt: skip
        with mpmath.workdps(40):
            xa, na, xb, nb = exact = tuple(mpmath.mpf(count) for count in four)
            for limit in pair(difference.mee(*four)):
                delta = mpmath.mpf(limit)
                q = restricted(exact, delta, steps=160)
                variance = q * (1 - q) / na + (q + delta) * (1 - q - delta) / nb
                z = abs(xb / nb - xa / na - delta) / mpmath.sqrt(variance)
                assert float(z) == pytest.approx(Z, rel=1e-7)


def test_the_lowest_lift_over_an_arm_without_successes_is_found_among_any_number_of_people() -> None:
    for xa, na, xb, nb in ((0, 768_973, 22_777, 22_801), (0, 17_193, 63_411_030, 63_411_048), (0, 33, 5, 5)):
        low, high = pair(lift.koopman(xa, na, xb, nb))
        assert high == math.inf
        with mpmath.workdps(40):
            ratio = 1 + mpmath.mpf(low)
            linear = nb * ratio + xb + na + xa * ratio
            q = 2 * (xa + xb) / (linear + mpmath.sqrt(linear**2 - 4 * (na + nb) * ratio * (xa + xb)))
            variance = ratio * q * (1 - ratio * q) / nb + ratio**2 * q * (1 - q) / na
            assert float((mpmath.mpf(xb) / nb) / mpmath.sqrt(variance)) == pytest.approx(Z, rel=1e-6)


def test_fishers_test_agrees_with_scipy_on_small_and_large_tables() -> None:
    for xa, na, xb, nb in arms(1_500, largest=4.0, seed=4):
        expected = fisher_exact([[xa, xb], [na - xa, nb - xb]]).pvalue
        assert fisher(xa, na, xb, nb) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_boschloos_test_agrees_with_scipy() -> None:
    for four in ((3, 10, 8, 12), (0, 7, 5, 9), (9, 20, 15, 18), (1, 30, 6, 25)):
        xa, na, xb, nb = four
        expected = boschloo_exact([[xa, xb], [na - xa, nb - xb]], n=64).pvalue
        assert unconditional.boschloo(*four) == pytest.approx(expected, abs=1e-5)
        assert isinstance(unconditional.barnard(*four), float)


def test_corrections_and_chi_squares_agree() -> None:
    drawn = random.Random(5)
    for _ in range(5):  # statsmodels takes a tenth of a second for each
        p_values = [drawn.random() ** 3 for _ in range(drawn.randint(1, 8))]
        assert several.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-12)
    for degrees in (1, 2, 3, 4, 7, 30, 99):
        for value in (1e-12, 0.3, 3.8, 40.0, 500.0, 1400.0):
            assert chi_square_tail(value, degrees) == pytest.approx(chi2.sf(value, degrees), rel=1e-10)
    whole = several.omnibus([20, 25, 31], [400, 380, 390])
    table = [[20, 25, 31], [380, 355, 359]]
    assert isinstance(whole, several.Omnibus)
    assert (whole.chi_square, whole.p_value) == pytest.approx(chi2_contingency(table)[:2], rel=1e-10)


def test_e_values_agree_with_50_digits() -> None:
    drawn = random.Random(6)
    for _ in range(200):
        arms_ = drawn.randint(2, 4)
        observed = [int(10 ** drawn.uniform(0, 8)) for _ in range(arms_)]
        weights = [drawn.uniform(0.05, 1) for _ in range(arms_)]
        k = 10 ** drawn.uniform(-1, 5)
        found = evalues.multinomial(observed, weights, concentration=k).log_e
        with mpmath.workdps(50):
            shares = [mpmath.mpf(w) / math.fsum(weights) for w in weights]
            expected = mpmath.loggamma(k) - mpmath.loggamma(k + sum(observed))
            for count, share in zip(observed, shares, strict=True):
                expected += mpmath.loggamma(k * share + count) - mpmath.loggamma(k * share) - count * mpmath.log(share)
        assert found == pytest.approx(float(expected), rel=1e-9, abs=1e-7)


def test_planning_agrees_with_statsmodels() -> None:
    drawn = random.Random(7)
    for _ in range(100):
        rate_a, rate_b, total = drawn.uniform(0.01, 0.99), drawn.uniform(0.01, 0.99), drawn.randint(20, 5_000)
        expected = power_proportions_2indep(
            rate_b - rate_a, rate_a, total, alternative="two-sided", return_results=False
        )
        if expected > 0.3:  # below, the chance of a verdict the wrong way round shows, which only statsmodels counts
            assert power.power_of(rate_a, rate_b, total_a=total) == pytest.approx(expected, abs=1e-3)
        needed = power.sample_size_cohen_h(power.cohen_h(rate_a, rate_b))
        solved = NormalIndPower().solve_power(
            power.cohen_h(rate_a, rate_b), power=0.8, alpha=0.05, alternative="two-sided"
        )
        assert needed == pytest.approx(solved, rel=1e-4)


def test_bayes_agrees_with_a_sum_of_40_digits_also_for_tiny_probabilities() -> None:
    def beats(a: tuple[int, int], b: tuple[int, int]) -> Any:
        log_beta = lambda x, y: mpmath.loggamma(x) + mpmath.loggamma(y) - mpmath.loggamma(x + y)  # noqa: E731
        return mpmath.fsum(
            mpmath.exp(log_beta(a[0] + i, sum(a) - a[0] + b[1]) - log_beta(1 + i, b[1]) - log_beta(*a)) / (b[1] + i)
            for i in range(b[0])
        )

    with mpmath.workdps(60):
        for xa, na, xb, nb in [
            *arms(25, largest=3.0, seed=8),
            (60, 100, 5, 100),
            (0, 10**8, 3, 5),
            (40, 10**6, 70, 10**6),
        ]:
            xa, xb = min(xa, 300), min(xb, 300)
            a, b = (xa + 1, na - xa + 1), (xb + 1, nb - xb + 1)
            rate_a, rate_b = mpmath.mpf(a[0]) / sum(a), mpmath.mpf(b[0]) / sum(b)
            b_beats_a = beats(a, b)
            loss_b = rate_a * (1 - beats((a[0] + 1, a[1]), b)) - rate_b * (1 - beats(a, (b[0] + 1, b[1])))
            found = bayes.compare(xa, na, xb, nb)
            assert found.b_beats_a == pytest.approx(float(b_beats_a), rel=1e-8)
            assert found.loss_choosing_b == pytest.approx(float(loss_b), rel=1e-8, abs=1e-40)
            assert found.loss_choosing_a == pytest.approx(float(loss_b + rate_b - rate_a), rel=1e-8, abs=1e-40)


def test_the_probability_to_be_best_of_four_agrees_with_another_quadrature() -> None:
    successes, totals = (30, 36, 20, 0), (1_000, 1_000, 500, 40)
    x = (np.arange(400_000) + 0.5) / 400_000
    posts = [beta(1 + s, 1 + n - s) for s, n in zip(successes, totals, strict=True)]
    found = bayes.compare_all(successes, totals)
    for arm, post in enumerate(posts):
        others = np.prod([other.cdf(x) for place, other in enumerate(posts) if place != arm], axis=0)
        assert found.best[arm] == pytest.approx(float(np.mean(post.pdf(x) * others)), abs=1e-8)
        assert found.expected_loss[arm] == pytest.approx(float(np.mean(post.cdf(x) * (1 - others))), abs=1e-8)


def test_the_split_of_arms_agrees_with_scipy() -> None:
    found = sample_ratio.check_split([5_100, 2_900, 2_000], [5, 3, 2])
    assert isinstance(found, sample_ratio.SampleRatio)
    assert found.p_value == pytest.approx(chi2.sf(16 / 3, 2), rel=1e-10)
    assert not found.is_mismatch
