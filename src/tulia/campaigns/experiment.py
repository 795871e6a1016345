"""What a campaign's experiment is asked to do, as it is stored: arms and their weights, holdout, test phase."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from tulia.campaigns.models import MessageCampaign
from tulia.experiments.plan import Plan

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
    """Test on `test_percent` of those who may be sent to, decide `decide_after` the start, send the winner to the rest."""

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

    After any number of people each arm is within one person of its share. Equal weights take turns one by one.
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


def window_of(campaign: MessageCampaign) -> timedelta:
    """For how long after a person's turn an outcome counts."""
    if campaign.outcome_window_minutes is not None:
        return timedelta(minutes=campaign.outcome_window_minutes)
    default = DEFAULT_WINDOWS[campaign.primary_metric]
    chosen = auto_winner_of(campaign)
    return default if chosen is None else min(default, chosen.decide_after * 0.75)


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
    """The planned size of the holdout beside the arms' weights; 0 without one."""
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
