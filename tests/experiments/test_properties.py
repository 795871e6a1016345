"""What must hold of every statistic, whatever the counts."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tulia.experiments import bayes, difference, evalues, holdout, lift, power, sample_ratio, sequential, several
from tulia.experiments.counts import CountsInvalid, Inconclusive
from tulia.experiments.exact import fisher
from tulia.experiments.proportions import TwoProportionResult, pooled_z_test
from tulia.experiments.test_and_roll import Selected, Vetoed, best_test_size, select

Arm = tuple[int, int]

arm = st.integers(0, 8).flatmap(lambda size: st.integers(1, 10**size)).flatmap(
    lambda total: st.tuples(st.one_of(st.integers(0, total), st.integers(0, min(total, 5))), st.just(total))
)  # fmt: skip
levels = st.sampled_from([0.2, 0.05, 0.04, 0.01, 0.001])
often = settings(max_examples=150, deadline=None)


def limits(interval: object) -> tuple[float, float]:
    assert isinstance(interval, tuple)
    low, high = interval
    return low, math.inf if high is None else high


@often
@given(arm, arm, levels)
def test_exchanging_the_arms_turns_difference_intervals_round(a: Arm, b: Arm, alpha: float) -> None:
    for method in (difference.mee, difference.miettinen_nurminen, difference.newcombe, difference.agresti_caffo):
        low, high = limits(method(*a, *b, alpha=alpha))
        turned_low, turned_high = limits(method(*b, *a, alpha=alpha))
        assert (low, high) == pytest.approx((-turned_high, -turned_low), rel=1e-9, abs=1e-12)
        observed = b[0] / b[1] - a[0] / a[1]
        assert low - 1e-9 <= observed <= high + 1e-9 or method is difference.agresti_caffo
        if method is not difference.agresti_caffo:
            assert -1 <= low <= high <= 1


@often
@given(arm, arm, levels)
def test_score_intervals_exclude_no_difference_exactly_when_the_test_is_significant(
    a: Arm, b: Arm, alpha: float
) -> None:
    tested = pooled_z_test(*a, *b, alpha=alpha)
    if isinstance(tested, Inconclusive):
        assert limits(difference.mee(*a, *b, alpha=alpha))[0] <= 0 <= limits(difference.mee(*a, *b, alpha=alpha))[1]
        return
    assume(abs(tested.p_value / alpha - 1) > 1e-6)
    for interval in (difference.mee(*a, *b, alpha=alpha), lift.koopman(*a, *b, alpha=alpha)):
        low, high = limits(interval)
        assert (low > 0 or high < 0) is tested.is_significant


@often
@given(arm, arm)
def test_the_intervals_of_the_ratio_are_ordered_and_hold_the_observed_lift(a: Arm, b: Arm) -> None:
    observed = lift.observed_lift(*a, *b)
    for method in (lift.koopman, lift.miettinen_nurminen, lift.katz, lift.adjusted_logarithm):
        found = method(*a, *b)
        if isinstance(found, Inconclusive):
            assert not (a[0] and b[0])
            continue
        low, high = limits(found)
        assert -1 <= low <= high
        assert math.isfinite(low)
        if observed is not None and method is not lift.adjusted_logarithm:
            assert low - 1e-9 * abs(low) <= observed <= high * (1 + 1e-9) + 1e-12
    if a[0] and b[0]:
        (low, high), (turned_low, turned_high) = limits(lift.koopman(*a, *b)), limits(lift.koopman(*b, *a))
        assert (1 + low) * (1 + turned_high) == pytest.approx(1, rel=1e-6)
        assert (1 + high) * (1 + turned_low) == pytest.approx(1, rel=1e-6)


@often
@given(arm, arm, st.integers(2, 50))
def test_the_same_rates_of_more_people_are_no_weaker_evidence(a: Arm, b: Arm, times: int) -> None:
    one, more = pooled_z_test(*a, *b), pooled_z_test(a[0] * times, a[1] * times, b[0] * times, b[1] * times)
    if isinstance(one, TwoProportionResult) and isinstance(more, TwoProportionResult):
        assert abs(more.z) == pytest.approx(abs(one.z) * math.sqrt(times), rel=1e-9)
        low, high = limits(difference.mee(*a, *b))
        closer_low, closer_high = limits(difference.mee(a[0] * times, a[1] * times, b[0] * times, b[1] * times))
        assert low - 1e-9 <= closer_low <= closer_high <= high + 1e-9


@often
@given(arm, arm, levels, st.floats(1e-3, 1e9))
def test_what_holds_at_any_look_is_wider_than_what_holds_at_one(a: Arm, b: Arm, alpha: float, planned: float) -> None:
    found = sequential.compare(*a, *b, planned=planned, alpha=alpha)
    if isinstance(found, Inconclusive):
        return
    tested = pooled_z_test(*a, *b, alpha=alpha)
    assert isinstance(tested, TwoProportionResult)
    half = sequential.unpooled_error(*a, *b) * -sequential_quantile(alpha)
    assert found.interval[0] <= found.difference - half <= found.difference + half <= found.interval[1]
    assert found.always_valid_p >= tested.p_value * (1 - 1e-9)
    assert (found.always_valid_p < alpha) is (abs(found.z) > found.critical_z) or math.isclose(
        abs(found.z), found.critical_z, rel_tol=1e-9
    )
    assert not found.is_significant or min(a[0] + b[0], a[1] + b[1] - a[0] - b[0]) >= 40


def sequential_quantile(alpha: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(alpha / 2)


@often
@given(st.lists(st.floats(0, 1), max_size=8))
def test_adjusted_p_values_are_no_smaller_and_in_the_same_order(p_values: list[float]) -> None:
    adjusted = several.holm(p_values)
    assert all(p <= after <= 1 for p, after in zip(p_values, adjusted, strict=True))
    ranked = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@settings(max_examples=100, deadline=None)
@given(st.lists(arm, min_size=2, max_size=4), st.sampled_from([(1.0, 1.0), (0.5, 0.5), (30.0, 900.0)]))
def test_probabilities_to_be_best_sum_to_one_and_losses_are_no_less_than_nothing(
    arms: list[Arm], prior: tuple[float, float]
) -> None:
    found = bayes.compare_all([x for x, _ in arms], [n for _, n in arms], prior=prior)
    assert sum(found.best) == pytest.approx(1, abs=1e-9)
    assert all(0 <= p <= 1 for p in found.best)
    assert all(0 <= loss <= 1 for loss in found.expected_loss)
    pair = bayes.compare(*arms[0], *arms[1], prior=prior)
    turned = bayes.compare(*arms[1], *arms[0], prior=prior)
    assert pair.b_beats_a + turned.b_beats_a == pytest.approx(1, abs=1e-9)
    # E[A] - E[B] is what choosing B loses more than choosing A.
    means = bayes.compare_all([arms[0][0], arms[1][0]], [arms[0][1], arms[1][1]], prior=prior).mean
    assert pair.loss_choosing_b - pair.loss_choosing_a == pytest.approx(means[0] - means[1], abs=1e-9)


@often
@given(arm, arm)
def test_exact_and_approximate_p_values_are_p_values_whatever_is_exchanged(a: Arm, b: Arm) -> None:
    p = fisher(*a, *b)
    assert isinstance(p, float)
    assert 0 <= p <= 1
    assert fisher(*b, *a) == pytest.approx(p, rel=1e-6, abs=1e-300)
    assert fisher(a[1] - a[0], a[1], b[1] - b[0], b[1]) == pytest.approx(p, rel=1e-6, abs=1e-300)


@often
@given(st.lists(st.integers(0, 10**8), min_size=2, max_size=5), st.data())
def test_a_split_as_planned_is_no_evidence_against_itself(observed: list[int], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0.01, 100), min_size=len(observed), max_size=len(observed)))
    found = sample_ratio.check_split(observed, weights)
    if isinstance(found, Inconclusive):
        assert not any(observed)
        return
    assert 0 <= found.p_value <= 1
    assert math.isfinite(found.log_e)
    assert 0 <= found.always_valid_p <= 1
    assert sum(found.expected) == pytest.approx(sum(observed))
    planned = sample_ratio.check_split([round(1000 * weight) for weight in weights], weights)
    assert isinstance(planned, sample_ratio.SampleRatio)
    assert planned.is_exact
    assert planned.p_value > 0.9
    assert planned.always_valid_p == 1.0


@often
@given(st.floats(0.001, 0.9), st.floats(0.05, 0.95), levels, st.floats(0.1, 10), st.integers(100, 10**8))
def test_sample_size_power_and_detectable_difference_are_inverses(
    rate: float, strength: float, alpha: float, ratio: float, people: int
) -> None:
    assume(strength > alpha)
    seen = power.detectable_difference(rate, total_a=people, alpha=alpha, power=strength, ratio=ratio)
    if isinstance(seen, Inconclusive):
        most = power.power_of(rate, 1.0, total_a=people, alpha=alpha, ratio=ratio)
        assert isinstance(most, Inconclusive) or most <= strength + 1e-6
        return
    assume(seen < 0.999 * (1 - rate))
    size = power.sample_size(rate, rate + seen, alpha=alpha, power=strength, ratio=ratio)
    assert size == pytest.approx(people, rel=1e-6)
    reached = power.power_of(rate, rate + seen, total_a=people, alpha=alpha, ratio=ratio)
    assert reached == pytest.approx(strength, abs=1e-7)


@often
@given(arm, arm)
def test_increments_are_the_difference_times_the_people_treated(held: Arm, treated: Arm) -> None:
    found = holdout.incremental_conversions(*held, *treated)
    assert isinstance(found, holdout.Increment)
    low, high = found.interval
    assert low - 1e-6 <= found.conversions <= high + 1e-6
    assert -treated[1] <= low <= high <= treated[1]
    assert found.share is None if treated[0] == 0 else found.share == pytest.approx(found.conversions / treated[0])


def test_money_is_compared_by_its_mean_and_variance() -> None:
    held, treated = [0, 0, 0, 10, 20], [0, 30, 0, 10, 20, 40, 0, 0]
    sums = [holdout.Amounts(len(of), sum(of), sum(x * x for x in of)) for of in (held, treated)]
    found = holdout.incremental_money(*sums)
    assert isinstance(found, holdout.MoneyIncrement)
    assert found.per_person == pytest.approx(12.5 - 6.0)
    assert found.total == pytest.approx(8 * 6.5)
    # s²: 80 of the five, 250 of the eight
    half = 1.959963984540054 * math.sqrt(80 / 5 + 250 / 8)
    assert found.per_person_interval == pytest.approx((6.5 - half, 6.5 + half))
    assert isinstance(holdout.incremental_money(sums[0], holdout.Amounts(1, 5, 25)), Inconclusive)


@often
@given(st.floats(1, 1e12), st.floats(0.001, 0.999), st.floats(1e-9, 0.3))
def test_a_test_phase_never_needs_more_than_everybody(people: float, mean: float, deviation: float) -> None:
    assert 0 <= 2 * best_test_size(people, mean=mean, deviation=deviation) <= people / 2


def test_an_automatic_choice_takes_the_best_and_the_control_in_a_tie_unless_vetoed() -> None:
    assert select((50, 60), (1_000, 1_000)) == Selected(1, (51 / 1002, 61 / 1002), is_tie=False)
    tie = select((50, 50, 40), (1_000, 1_000, 1_000), control=1)
    assert isinstance(tie, Selected)
    assert (tie.arm, tie.is_tie) == (1, True)
    vetoes = [
        select((50, 60), (1_000, 1_000), is_split_as_planned=False),
        select((50, 60), (1_000, 1_000), are_guardrails_kept=False),
        select((50, 60), (1_000, 1_000), is_window_closed=False),
        select((10, 20), (1_000, 1_000)),
    ]
    codes = ["sample_ratio", "guardrail", "window_open", "too_few_events"]
    assert [veto.code for veto in vetoes if isinstance(veto, Vetoed)] == codes


@often
@given(arm, arm)
def test_e_values_rise_with_harm_only(a: Arm, b: Arm) -> None:
    found = evalues.harm(*a, *b)
    assert isinstance(found, evalues.EValue)
    assert math.isfinite(found.log_e)
    assert 0 <= found.always_valid_p <= 1
    turned = evalues.harm(*b, *a)
    assert isinstance(turned, evalues.EValue)
    assert turned.log_e == pytest.approx(found.log_e, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("wrong", [True, 1.5, -1, 10**16, "3", None, math.nan])
def test_what_is_no_count_is_refused_by_its_name(wrong: object) -> None:
    with pytest.raises(CountsInvalid) as refused:
        pooled_z_test(wrong, 10**17, 1, 2)  # type: ignore[arg-type]
    assert refused.value.field == "successes_a"
