"""What a campaign caused: the people who got it beside those who were held out on purpose.

Treated are all variants together, per person assigned. The holdout has conversions and revenue only; nothing was
delivered to it, so there are no other rates to compare.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tulia.experiments.counts import INSUFFICIENT_DATA, Inconclusive, check_alpha, whole
from tulia.experiments.difference import mee
from tulia.experiments.tails import two_sided_quantile

_NOBODY = Inconclusive(INSUFFICIENT_DATA, "There is nobody in the holdout, or nobody outside it.")


@dataclass(frozen=True, slots=True)
class Increment:
    """Conversions that would not have happened without the campaign.

    `rate` is treated minus held out. `conversions` is that times the people treated, and `interval` (Mee, level 1 -
    `alpha`) likewise. `attributed` are the conversions of the treated, `share` how many of these were
    caused (None without any; negative when the holdout did better).
    """

    rate: float
    conversions: float
    interval: tuple[float, float]
    attributed: int
    share: float | None
    alpha: float


@dataclass(frozen=True, slots=True)
class Amounts:
    """Something measured of each person, as money in micros: people, their sum, and the sum of squares. 0 counts too."""

    people: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class MoneyIncrement:
    """Money that would not have come (or gone) without the campaign, with Welch's interval; `per_person` likewise.

    `total` is that times the people treated, in the unit of the amounts.
    """

    per_person: float
    per_person_interval: tuple[float, float]
    total: float
    interval: tuple[float, float]
    alpha: float


def incremental_conversions(
    converted_holdout: int, total_holdout: int, converted_treated: int, total_treated: int, *, alpha: float = 0.05
) -> Increment | Inconclusive:
    """n_T·(p_T - p_H), with the limits of the difference times n_T. `Inconclusive` when one of the groups is empty."""
    shown = mee(converted_holdout, total_holdout, converted_treated, total_treated, alpha=alpha)
    if isinstance(shown, Inconclusive):
        return _NOBODY
    caused = converted_treated * total_holdout - converted_holdout * total_treated
    return Increment(
        rate=caused / (total_holdout * total_treated),
        conversions=caused / total_holdout,
        interval=(shown[0] * total_treated, shown[1] * total_treated),
        attributed=converted_treated,
        share=caused / (converted_treated * total_holdout) if converted_treated else None,
        alpha=alpha,
    )


def incremental_money(holdout: Amounts, treated: Amounts, *, alpha: float = 0.05) -> MoneyIncrement | Inconclusive:
    """n_T·(mean_T - mean_H), Welch's (1947) variance s²_T/n_T + s²_H/n_H, and the normal quantile.

    Money is skewed; with fewer than some hundreds of buyers the interval is too narrow. `Inconclusive` with fewer than two
    people in a group.
    """
    check_alpha(alpha)
    for group, field in ((holdout, "holdout"), (treated, "treated")):
        whole(group.people, field=f"{field}.people")
        if not (math.isfinite(group.total) and 0 <= group.squares < math.inf):
            raise ValueError(f"{field} must have finite sums")
        if group.people < 2:
            return _NOBODY
    per_person = treated.total / treated.people - holdout.total / holdout.people
    half = two_sided_quantile(alpha) * math.sqrt(
        _variance(holdout) / holdout.people + _variance(treated) / treated.people
    )
    low, high = per_person - half, per_person + half
    people = treated.people
    return MoneyIncrement(per_person, (low, high), per_person * people, (low * people, high * people), alpha)


def _variance(group: Amounts) -> float:
    return max(0.0, group.squares - group.total * (group.total / group.people)) / (group.people - 1)
