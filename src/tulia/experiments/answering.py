"""The calculator: a kind of question and its inputs in, an answer of plain values out. What is undefined is None.

An answer has a `status`: ``ok``, ``insufficient_data``, or ``undefined`` when its main figure doesn't exist. A question
that makes no sense raises `QuestionInvalid`. The kinds and their keys are described in ``docs/statistics.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from tulia.experiments import bayes, difference, exact, holdout, lift, power, sample_ratio, sequential, several
from tulia.experiments.asked import Asked, QuestionInvalid
from tulia.experiments.counts import CountsInvalid, Inconclusive
from tulia.experiments.evalues import harm
from tulia.experiments.proportions import TwoProportionResult, pooled_z_test
from tulia.experiments.test_and_roll import best_test_size
from tulia.experiments.unconditional import MOST_PEOPLE, barnard, boschloo

Answer = dict[str, object]

_LN_10 = math.log(10)
_LARGEST_WHOLE = 2.0**53  # up to here every whole number is a float


def answer(kind: object, inputs: object) -> Answer:
    """The answer to one question. Raises `QuestionInvalid`."""
    if not isinstance(kind, str):
        raise QuestionInvalid("missing" if kind is None else "invalid", "kind", 'kind must be a text, like "srm".')
    if kind not in _ANSWERS:
        raise QuestionInvalid("unknown_kind", "kind", f"kind must be one of {', '.join(sorted(_ANSWERS))}.")
    if not isinstance(inputs, Mapping):
        raise QuestionInvalid("missing" if inputs is None else "invalid", "inputs", "inputs must be an object.")
    try:
        return _ANSWERS[kind](Asked(inputs))
    except QuestionInvalid:
        raise
    except CountsInvalid as refused:
        raise QuestionInvalid("invalid", refused.field, str(refused)) from None
    except ArithmeticError:
        raise QuestionInvalid("invalid", None, "These inputs are too extreme to be computed with.") from None
    except ValueError as refused:
        raise QuestionInvalid("invalid", None, f"These inputs can't be computed with: {refused}.") from None


def _two_proportion(asked: Asked) -> Answer:
    (xa, na), (xb, nb), alpha = asked.arm("a"), asked.arm("b"), asked.alpha()
    counts = (xa, na, xb, nb)
    found: Answer = {
        "status": "ok" if na and nb else "insufficient_data",
        "rate_a": xa / na if na else None,
        "rate_b": xb / nb if nb else None,
        "diff": None,
        "relative_lift": lift.observed_lift(*counts),
        **_pooled(pooled_z_test(*counts, alpha=alpha), alpha=alpha),
        "newcombe_diff_ci95": _pair(difference.newcombe(*counts, alpha=alpha)),
        "agresti_caffo_diff_ci95": _pair(difference.agresti_caffo(*counts, alpha=alpha)),
        "miettinen_nurminen_diff_ci95": _pair(difference.miettinen_nurminen(*counts, alpha=alpha)),
        "mee_score_diff_ci95": _pair(difference.mee(*counts, alpha=alpha)),
        "koopman_score_lift_ci95": _pair(lift.koopman(*counts, alpha=alpha)),
        "mn_score_lift_ci95": _pair(lift.miettinen_nurminen(*counts, alpha=alpha)),
        "katz_log_lift_ci95": _pair(lift.katz(*counts, alpha=alpha)),
        "adjusted_log_lift_ci95": _pair(lift.adjusted_logarithm(*counts, alpha=alpha)),
        "fisher_p_two_sided": _value(exact.fisher(*counts)),
    }
    if na and nb:
        found["diff"] = (xb * na - xa * nb) / (na * nb)
        if na + nb <= MOST_PEOPLE:
            found["boschloo_p_two_sided"] = _value(boschloo(*counts))
            found["barnard_p_two_sided"] = _value(barnard(*counts))
    return found


def _pooled(tested: TwoProportionResult | Inconclusive, *, alpha: float) -> Answer:
    """z and p; without any variation p is 1, without people it is undefined."""
    if isinstance(tested, Inconclusive):
        certain = None if tested.code == "insufficient_data" else 1.0
        nothing = None if certain is None else 0.0
        return {
            "z": None,
            "p_two_sided": certain,
            "log10_p": nothing,
            "confidence_level": nothing,
            "significant_95": False,
            "alpha": alpha,
        }
    return {
        "z": tested.z,
        "p_two_sided": tested.p_value,
        "log10_p": tested.log_p / _LN_10,
        "confidence_level": tested.confidence_level,
        "significant_95": tested.is_significant,
        "alpha": alpha,
    }


def _k_proportions(asked: Asked) -> Answer:
    successes, totals = asked.arms()
    control = asked.index("control", below=len(totals))
    whole = several.omnibus(successes, totals)
    empty = not all(totals)
    compared: list[list[object]] = []
    p_values: dict[tuple[int, int], float] = {}
    for i, j in several.pairs(len(totals)):
        tested = pooled_z_test(successes[i], totals[i], successes[j], totals[j])
        z, p = (None, 1.0) if isinstance(tested, Inconclusive) else (tested.z, tested.p_value)
        p_values[i, j] = p
        compared.append([i, j, z, p if totals[i] and totals[j] else None])
    found: Answer = {
        "status": "insufficient_data" if empty else "ok",
        "chi2": None if isinstance(whole, Inconclusive) else whole.chi_square,
        "df": len(totals) - 1,
        "p": (None if empty else 1.0) if isinstance(whole, Inconclusive) else whole.p_value,
        "pairs_i_j_z_p": compared,
        "holm_all_pairs": None if empty else list(several.holm(list(p_values.values()))),
        "holm_vs_first_as_control": None if empty else _holm_with(0, len(totals), p_values),
    }
    if control is not None:
        found["holm_vs_control"] = None if empty else _holm_with(control, len(totals), p_values)
    return found


def _holm_with(control: int, arms: int, p_values: dict[tuple[int, int], float]) -> list[float]:
    family = several.pairs(arms, control=control)
    return list(several.holm([p_values[min(pair), max(pair)] for pair in family]))


def _holm(asked: Asked) -> Answer:
    given = asked.p_values("p", "p_values")
    adjusted = iter(several.holm([p for p in given if p is not None]))
    return {"status": "ok", "adjusted": [None if p is None else next(adjusted) for p in given]}


def _srm(asked: Asked) -> Answer:
    observed = asked.counts("observed", "n")
    weights = asked.numbers("weights", "expected_weights", low=0) if asked.has("weights", "expected_weights") else None
    concentration = asked.number("dirichlet_concentration", "concentration", default=10_000.0, low=1e-7, high=1e15)
    split = sample_ratio.check_split(observed, weights, concentration=concentration)
    if isinstance(split, Inconclusive):
        nothing = ("chi2", "p", "log_evalue_sequential", "sequential_p")
        flags: Answer = {"srm_at_0.001": False, "srm_at_0.0005": False}
        return {"status": split.code, "df": len(observed) - 1} | dict.fromkeys(nothing) | flags
    return {
        "status": "ok",
        "chi2": split.chi_square,
        "df": split.degrees,
        "p": split.p_value,
        "srm_at_0.001": split.p_value < 0.001,
        "srm_at_0.0005": split.p_value < 0.0005,
        "log_evalue_sequential": split.log_e,
        "sequential_p": split.always_valid_p,
    }


def _sample_size(asked: Asked) -> Answer:
    rate_a, rate_b = _two_rates(asked)
    ratio = asked.number("ratio", default=1.0, low=0)
    comparisons = _comparisons(asked)
    needed = power.sample_size(
        rate_a, rate_b, alpha=asked.alpha(), power=asked.power(), ratio=ratio, comparisons=comparisons
    )
    return _people(needed, ratio=ratio)


def _two_rates(asked: Asked) -> tuple[float, float]:
    rate = asked.rate("p1", "p", "baseline", "base", "baseline_rate", "p_base", "rate")
    if asked.has("p2"):
        return rate, asked.rate("p2")
    changed = rate + _effect(asked, rate)
    if not 0 <= changed <= 1:
        raise QuestionInvalid("invalid", "p2", "p2 must be a rate from 0 to 1.")
    return rate, changed


def _effect(asked: Asked, rate: float) -> float:
    """The difference that is asked for, absolute or relative."""
    if asked.has("p2"):
        return asked.rate("p2") - rate
    if asked.has("rel_mde", "relative_mde", "mde_rel", "relative_lift"):
        return rate * asked.number("rel_mde", "relative_mde", "mde_rel", "relative_lift")
    return asked.number("delta", "abs_mde", "mde", "effect", "absolute_mde", "mde_abs", "diff")


def _comparisons(asked: Asked) -> int:
    return max(1, asked.count("comparisons")) if asked.has("comparisons") else 1


def _people(needed: float | Inconclusive, *, ratio: float = 1.0) -> Answer:
    if isinstance(needed, Inconclusive):
        return {
            "status": "undefined",
            "reason": needed.reason,
            "n_per_arm_exact": None,
            "n_per_arm": None,
            "ceil": None,
        }
    countable = needed < _LARGEST_WHOLE
    return {
        "status": "ok",
        "n_per_arm_exact": needed,
        "n_per_arm": needed,
        "n": needed,
        "ceil": math.ceil(needed) if countable else None,
        "rounded": round(needed) if countable else None,
        "n1": needed,
        "n2": needed * ratio,
    }


def _evan_miller(asked: Asked) -> Answer:
    rate = asked.rate("p1", "p", "baseline", "base", "baseline_rate", "p_base", "rate")
    return _people(power.sample_size_evan_miller(rate, _effect(asked, rate), alpha=asked.alpha(), power=asked.power()))


def _cohen_h(asked: Asked) -> Answer:
    ratio = asked.number("ratio", default=1.0, low=0)
    h = asked.number("h") if asked.has("h") else power.cohen_h(*_two_rates(asked))
    needed = power.sample_size_cohen_h(h, alpha=asked.alpha(), power=asked.power(), ratio=ratio)
    return _people(needed, ratio=ratio) | {"h": h, "cohen_h": h}


def _size_and_ratio(asked: Asked) -> tuple[float, float]:
    people = asked.number("n_per_arm", "n", "n1", "n_a", low=0)
    if asked.has("n2", "n_b"):
        return people, asked.number("n2", "n_b", low=0) / people
    return people, asked.number("ratio", default=1.0, low=0)


def _power(asked: Asked) -> Answer:
    rate_a, rate_b = _two_rates(asked)
    people, ratio = _size_and_ratio(asked)
    found = _value(
        power.power_of(
            rate_a, rate_b, total_a=people, alpha=asked.alpha(), ratio=ratio, comparisons=_comparisons(asked)
        )
    )
    return {"status": "undefined" if found is None else "ok", "power": found}


def _mde(asked: Asked) -> Answer:
    rate = asked.rate("p1", "p", "baseline", "base", "baseline_rate", "p_base", "rate")
    people, ratio = _size_and_ratio(asked)
    found = _value(
        power.detectable_difference(
            rate,
            total_a=people,
            alpha=asked.alpha(),
            power=asked.power(),
            ratio=ratio,
            comparisons=_comparisons(asked),
        )
    )
    return {
        "status": "undefined" if found is None else "ok",
        "abs_mde": found,
        "rel_mde": found / rate if found is not None and rate > 0 and math.isfinite(found / rate) else None,
    }


def _bayes_two(asked: Asked) -> Answer:
    found = bayes.compare(*asked.arm("a"), *asked.arm("b"), prior=asked.prior())
    return {
        "status": "ok",
        "prob_b_beats_a": found.b_beats_a,
        "expected_loss_choose_b": found.loss_choosing_b,
        "expected_loss_choose_a": found.loss_choosing_a,
    }


def _bayes_k(asked: Asked) -> Answer:
    found = bayes.compare_all(*asked.arms(), prior=asked.prior())
    return {
        "status": "ok",
        "prob_best": list(found.best),
        "expected_loss": list(found.expected_loss),
        "posterior_mean": list(found.mean),
    }


def _sequential(asked: Asked) -> Answer:
    (xa, na), (xb, nb), alpha = asked.arm("a"), asked.arm("b"), asked.alpha()
    users = asked.number("N_star_total_users", "N_star", default=5000.0, low=1e-9, high=1e18)
    planned = asked.number("T_star", low=1e-9, high=1e18) if asked.has("T_star") else None
    length = sequential.boundary(alpha)
    known = sequential.information(xa, na, xb, nb)
    found: Answer = {"status": "ok", "rho": math.sqrt(length / users)} | dict.fromkeys(
        (
            *("critical_z", "ci", "always_valid_p", "odds_clock_T", "odds_clock_critical_z", "odds_clock_z_pooled"),
            *("odds_clock_always_valid_p", "odds_clock_ci"),
        )
    )
    found |= {"significant": False, "odds_clock_significant": False, "odds_clock_T": known}
    if not na or not nb:
        return found | {"status": "insufficient_data"}
    tested = pooled_z_test(xa, na, xb, nb, alpha=alpha)
    if isinstance(tested, Inconclusive):
        return found | {"always_valid_p": 1.0, "odds_clock_always_valid_p": None if planned is None else 1.0}
    clock = (na + nb) * length / users
    error = sequential.unpooled_error(xa, na, xb, nb)
    critical = sequential.critical_z(clock, alpha)
    found["critical_z"] = critical
    if error > 0:  # the older clock takes the z of its own interval, not the pooled one
        p = sequential.always_valid_p(clock, tested.difference / error)
        low, high = tested.difference - critical * error, tested.difference + critical * error
        found |= {"ci": [low, high], "always_valid_p": p, "significant": low > 0 or high < 0}
    found["odds_clock_z_pooled"] = tested.z
    if planned is not None:
        ours = sequential.of_test(tested, xa, na, xb, nb, planned=planned, alpha=alpha)
        if not isinstance(ours, Inconclusive):
            found |= {
                "odds_clock_critical_z": ours.critical_z,
                "odds_clock_always_valid_p": ours.always_valid_p,
                "odds_clock_ci": list(ours.interval) if error > 0 else None,
                "odds_clock_significant": ours.is_significant,
                "enough_events": ours.has_enough_events,
            }
    return found


def _holdout_increment(asked: Asked) -> Answer:
    (xh, nh), (xt, nt) = asked.arm("holdout"), asked.arm("treated")
    alpha = asked.alpha()
    found = holdout.incremental_conversions(xh, nh, xt, nt, alpha=alpha)
    closed = difference.newcombe(xh, nh, xt, nt, alpha=alpha)
    if isinstance(found, Inconclusive) or isinstance(closed, Inconclusive):
        keys = ("incremental_rate", "incremental_conversions", "incremental_ci95", "attributed_share_truly_incremental")
        return {"status": "insufficient_data"} | dict.fromkeys(keys)
    return {
        "status": "ok",
        "incremental_rate": found.rate,
        "incremental_conversions": found.conversions,
        "incremental_ci95": [limit * nt for limit in closed],
        "incremental_mee_ci95": list(found.interval),
        "attributed_share_truly_incremental": found.share,
    }


def _test_and_roll(asked: Asked) -> Answer:
    size = best_test_size(
        asked.number("N", "n_total", low=0),
        mean=asked.number("prior_mean", "mu", low=0, high=1),
        deviation=asked.number("prior_sd", "sigma", low=0),
    )
    return {"status": "ok", "n_per_arm": size}


def _event_stream(asked: Asked) -> Answer:
    counts = []
    for name in ("a", "b"):
        events, people = asked.count(f"events_{name}", f"x_{name}"), asked.count(f"n_{name}")
        if events > people:
            message = f"events_{name} ({events}) must not exceed n_{name} ({people})."
            raise QuestionInvalid("invalid", f"events_{name}", message)
        counts += [events, people]
    found = harm(*counts, concentration=asked.number("concentration", "k", default=100.0, low=1e-7, high=1e15))
    if isinstance(found, Inconclusive):
        return {"status": found.code, "log_evalue": None, "always_valid_p": None}
    return {"status": "ok", "log_evalue": found.log_e, "always_valid_p": found.always_valid_p}


def _pair(interval: tuple[float, float | None] | Inconclusive) -> list[float | None] | None:
    return None if isinstance(interval, Inconclusive) else list(interval)


def _value(found: float | Inconclusive) -> float | None:
    return None if isinstance(found, Inconclusive) else found


_ANSWERS: dict[str, Callable[[Asked], Answer]] = {
    "bayes_k": _bayes_k,
    "bayes_two": _bayes_two,
    "event_stream_evalue": _event_stream,
    "holdout_increment": _holdout_increment,
    "holm": _holm,
    "k_proportions": _k_proportions,
    "mde": _mde,
    "power_two_prop": _power,
    "sample_size_cohen_h": _cohen_h,
    "sample_size_evan_miller": _evan_miller,
    "sample_size_two_prop": _sample_size,
    "sequential": _sequential,
    "srm": _srm,
    "test_and_roll": _test_and_roll,
    "two_proportion": _two_proportion,
}
