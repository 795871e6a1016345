import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from tulia.experiments.proportions import (
    CountsInvalid,
    Inconclusive,
    TwoProportionResult,
    log_erfc,
    pooled_z_test,
    relative_lift,
    wilson_interval,
)


def result_of(
    successes_a: int, total_a: int, successes_b: int, total_b: int, alpha: float = 0.05
) -> TwoProportionResult:
    result = pooled_z_test(successes_a, total_a, successes_b, total_b, alpha=alpha)
    assert isinstance(result, TwoProportionResult)
    return result


def test_a_worked_example_comes_out_as_by_hand() -> None:
    # pooled rate 350/2000 = 0.175, standard error sqrt(0.175 * 0.825 * 2/1000) = 0.0169926
    result = result_of(150, 1000, 200, 1000)
    assert result.rate_a == 0.15
    assert result.rate_b == 0.2
    assert result.difference == pytest.approx(0.05)
    assert result.z == pytest.approx(0.05 / 0.016992645, rel=1e-6)
    assert result.p_value == pytest.approx(0.003257, abs=1e-6)
    assert result.confidence_level == pytest.approx(1 - result.p_value)
    assert result.is_significant


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ((0, 0, 0, 0), "insufficient_data"),
        ((0, 0, 5, 10), "insufficient_data"),
        ((5, 10, 0, 0), "insufficient_data"),
        ((0, 10, 0, 20), "no_difference_observable"),
        ((10, 10, 20, 20), "no_difference_observable"),
    ],
)
def test_what_cannot_be_said_is_said_so(counts: tuple[int, int, int, int], code: str) -> None:
    result = pooled_z_test(*counts)
    assert isinstance(result, Inconclusive)
    assert result.code == code
    assert result.reason.endswith(".")


@pytest.mark.parametrize("counts", [(11, 10, 1, 10), (1, 10, 11, 10), (-1, 10, 1, 10), (0, -1, 1, 10), (1, 0, 1, 1)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(CountsInvalid):
        pooled_z_test(*counts)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_an_alpha_that_is_no_error_rate_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        pooled_z_test(1, 2, 1, 2, alpha=alpha)


def test_a_difference_too_clear_for_a_float_still_has_its_verdict_and_logarithm() -> None:
    result = result_of(0, 1_000_000, 1_000_000, 1_000_000)
    assert result.p_value == 0.0
    assert result.is_significant
    assert result.log_p == pytest.approx(float(norm.logsf(result.z)) + math.log(2), rel=1e-12)
    assert result.confidence_level == 1.0
    assert result_of(0, 1_000_000, 1_000_000, 1_000_000, alpha=1e-320).is_significant


def test_equal_rates_have_no_confidence_at_all() -> None:
    result = result_of(10, 100, 20, 200)
    assert (result.z, result.p_value, result.confidence_level, result.difference) == (0.0, 1.0, 0.0, 0.0)
    assert not result.is_significant


def test_the_borderline_of_significance_is_where_it_should_be() -> None:
    assert result_of(50, 100, 64, 100).is_significant
    assert not result_of(50, 100, 63, 100).is_significant
    assert not result_of(50, 100, 64, 100, alpha=0.04).is_significant


counts = st.integers(1, 10**9).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@settings(max_examples=300, deadline=None)
@given(counts, counts)
def test_z_and_p_agree_with_an_independent_computation(a: tuple[int, int], b: tuple[int, int]) -> None:
    result = pooled_z_test(*a, *b)
    (xa, na), (xb, nb) = a, b
    if xa + xb in (0, na + nb):
        assert isinstance(result, Inconclusive)
        return
    assert isinstance(result, TwoProportionResult)
    pooled = (xa + xb) / (na + nb)
    # The failures are counted: 1 - pooled would lose all digits near 1.
    spread = math.sqrt(pooled * ((na - xa + nb - xb) / (na + nb)) * (1 / na + 1 / nb))
    z = (xb / nb - xa / na) / spread
    assert result.z == pytest.approx(z, rel=1e-6, abs=1e-6)
    assert result.p_value == pytest.approx(2 * norm.sf(abs(result.z)), rel=1e-9, abs=1e-300)
    assert result.log_p == pytest.approx(float(norm.logsf(abs(result.z))) + math.log(2), rel=1e-9, abs=1e-12)
    assert result.is_significant is (result.log_p < math.log(0.05))


@settings(max_examples=100, deadline=None)
@given(counts, counts)
def test_exchanging_the_arms_or_counting_failures_only_turns_the_sign(a: tuple[int, int], b: tuple[int, int]) -> None:
    result, exchanged = pooled_z_test(*a, *b), pooled_z_test(*b, *a)
    failures = pooled_z_test(a[1] - a[0], a[1], b[1] - b[0], b[1])
    if isinstance(result, Inconclusive):
        assert isinstance(exchanged, Inconclusive)
        assert isinstance(failures, Inconclusive)
        return
    assert isinstance(exchanged, TwoProportionResult)
    assert isinstance(failures, TwoProportionResult)
    assert exchanged.z == -result.z == failures.z
    assert exchanged.log_p == result.log_p == failures.log_p


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1e6))
def test_the_logarithm_of_the_tail_agrees_with_scipy(x: float) -> None:
    assert log_erfc(x) == pytest.approx(float(norm.logsf(x * math.sqrt(2))) + math.log(2), rel=1e-9, abs=1e-12)


def test_the_two_formulas_of_the_tail_meet() -> None:
    assert log_erfc(19.999999999) == pytest.approx(log_erfc(20.0), rel=1e-9)


@pytest.mark.parametrize(
    ("better", "worse", "lift"),
    [(0.2, 0.15, 1 / 3), (0.1, 0.1, 0.0), (0.1, 0.2, -0.5), (0.1, 0.0, None), (0.0, 0.0, None), (math.nan, 0.1, None),
     (1e308, 1e-308, None)],
)  # fmt: skip
def test_lift_is_relative_to_the_worse_and_undefined_over_nothing(
    better: float, worse: float, lift: float | None
) -> None:
    assert relative_lift(better, worse) == (None if lift is None else pytest.approx(lift))


@given(total=st.integers(1, 10**9), share=st.floats(0, 1))
def test_the_interval_of_a_rate_holds_it_and_agrees_with_an_independent_computation(total: int, share: float) -> None:
    successes = min(total, int(total * share))
    found = wilson_interval(successes, total)
    assert not isinstance(found, Inconclusive)
    low, high = found
    assert 0.0 <= low <= successes / total <= high <= 1.0
    assert found == pytest.approx(tuple(binomtest(successes, total).proportion_ci(method="wilson")), abs=1e-9)


def test_the_interval_of_nothing_is_inconclusive_and_of_the_impossible_refused() -> None:
    assert isinstance(wilson_interval(0, 0), Inconclusive)
    with pytest.raises(CountsInvalid):
        wilson_interval(2, 1)
