"""What a campaign's experiment is asked to do, as it is stored: arms and their weights, holdout, test phase (pure)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tulia.experiments.plan import Plan

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign

DEFAULT_WINDOWS = {
    "read": timedelta(hours=24),
    "clicked": timedelta(hours=48),
    "responded": timedelta(hours=72),
    "converted": timedelta(days=7),
}
"""For how long after a person's turn an outcome counts, by metric."""
DEFAULT_RATES = {"read": 0.6, "clicked": 0.05, "responded": 0.05, "converted": 0.02}
"""What is expected of a metric when nobody says: careful rather than exact, a plan needs some number."""
DEFAULT_TEST_PERCENT = 20
DEFAULT_DECIDE_AFTER = timedelta(hours=24)
UNDECIDED = ("control", "wait", "stop")
"""What happens when no winner can be selected: the control (else the first variant) goes to the rest; it is tried again
later, for a week at most, and then the control goes out; or nobody else is sent to."""
LONGEST_WAIT = timedelta(days=7)
WEIGHT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class AutoWinner:
    """Test on `test_percent` of those who may be sent to and aren't held out, decide `decide_after` the start, send the
    winner to the rest."""

    test_percent: int
    decide_after: timedelta
    if_undecided: str


def weights_of(campaign: MessageCampaign) -> tuple[int, ...]:
    """The weight of each arm; one for a campaign that is no test."""
    if not campaign.is_ab_test or not campaign.variants:
        return (1,)
    return tuple(int(variant.get("weight", 1)) for variant in campaign.variants)


def cycle(weights: tuple[int, ...]) -> list[int]:
    """The order in which arms take turns: as often as their weights say, as evenly as can be (smooth weighted round robin).

    A full cycle has each arm exactly by its weight. After any number of people an arm is at most 1 - 1/k of a person ahead
    of its share and at most 1/2 + … + 1/k behind: with four arms 0.75 and 1.09, with two 0.5 and 0.5. (Before a turn the
    largest credit is at least the mean, 1/k. The j arms that lag most lag together no more than j + 1 arms with the one
    just served, which had lagged more, plus the 1/(j + 1) that each of these got meanwhile; all k together never lag.)
    Equal weights take turns one by one.
    """
    divisor = math.gcd(*weights)
    shares = [weight // divisor for weight in weights]
    total, credit, order = sum(shares), [0] * len(shares), []
    for _ in range(total):
        credit = [have + share for have, share in zip(credit, shares, strict=True)]
        arm = credit.index(max(credit))
        credit[arm] -= total
        order.append(arm)
    return order


def dealt(weights: tuple[int, ...], people: int) -> tuple[int, ...]:
    """How many of so many people each arm gets when they are dealt out by `cycle`."""
    order = cycle(weights)
    rounds, odd = divmod(people, len(order))
    whole, begun = Counter(order), Counter(order[:odd])
    return tuple(rounds * whole[arm] + begun[arm] for arm in range(len(weights)))


def window_of(campaign: MessageCampaign) -> timedelta:
    """For how long after a person's turn an outcome counts: in whole minutes, and shorter than an automatic winner's wait."""
    if campaign.outcome_window_minutes is not None:
        return timedelta(minutes=campaign.outcome_window_minutes)
    default = DEFAULT_WINDOWS[campaign.primary_metric]
    chosen = auto_winner_of(campaign)
    if chosen is None:
        return default
    return min(default, timedelta(minutes=chosen.decide_after // timedelta(minutes=1) * 3 // 4))


def auto_winner_of(campaign: MessageCampaign) -> AutoWinner | None:
    given = campaign.auto_winner
    if given is None:
        return None
    return AutoWinner(
        int(given["test_percent"]), timedelta(minutes=int(given["decide_after_minutes"])), given["if_undecided"]
    )


def holdout_per_myriad(campaign: MessageCampaign) -> int:
    """How many of ten thousand people who may be sent to are held out."""
    return int(Decimal(campaign.holdout_percent) * 100)


def holdout_weight(campaign: MessageCampaign) -> float:
    """The planned size of the holdout beside the arms' weights; 0 when none was asked for by a percentage."""
    held = float(campaign.holdout_percent) / 100
    chosen = auto_winner_of(campaign)
    tested = chosen.test_percent / 100 if chosen else 1.0
    return sum(weights_of(campaign)) * held / ((1 - held) * tested)


def plan_of(campaign: MessageCampaign) -> Plan:
    """What was fixed at the launch; before it, what is fixed already."""
    stored = campaign.experiment_plan or {}
    return Plan(
        control=campaign.control_variant,
        baseline=float(stored.get("expected_rate", expected_rate_of(campaign))),
        totals=tuple(stored.get("people_by_variant") or ()),
    )


def expected_rate_of(campaign: MessageCampaign) -> float:
    """The rate of the primary metric that the plan goes by, in 0…1."""
    return campaign.expected_rate if campaign.expected_rate is not None else DEFAULT_RATES[campaign.primary_metric]
