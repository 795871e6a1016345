"""What an experiment will be able to see, before anything is sent (pure): its people, its power, and that in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tulia.campaigns import experiment
from tulia.experiments import several
from tulia.experiments.analysis import detectable
from tulia.experiments.counts import Inconclusive
from tulia.experiments.plan import Plan
from tulia.experiments.sequential import planned_information

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign

PLAN = Plan()
"""How every test is judged: 5 % of errors, 80 % of power."""
FEWEST_EVENTS = 40
"""Of the rarer outcome in an arm: with fewer expected, a test is hardly worth its while."""
DOING = {"responded": "reply", "read": "read it", "converted": "buy or book", "clicked": "click"}


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """What an experiment was planned to see. Rates and differences are proportions.

    `people_by_variant` are those whose variants are compared (all, or the test phase), in the order of the variants; one
    number when there is one message; None when an attribute says it, and nobody has counted. `held_out` get nothing,
    `rest` wait for the winner. `smallest_detectable_difference` is what the weakest of the `comparisons` between variants
    sees with a power of 80 %, alpha being shared among them; `information` is T*, the clock of that comparison. None: there
    is no such comparison, or it can see no difference at all. The holdout is compared with everybody else, by conversions,
    at an alpha of its own.
    """

    people_by_variant: tuple[int, ...] | None
    held_out: int | None
    rest: int
    expected_rate: float
    comparisons: int
    smallest_detectable_difference: float | None = None
    information: float | None = None
    holdout_expected_rate: float | None = None
    holdout_smallest_detectable_difference: float | None = None
    holdout_information: float | None = None
    alpha: float = PLAN.alpha
    power: float = PLAN.power
    metric: str = "responded"

    @property
    def is_known(self) -> bool:
        """Whether there are people to count with."""
        return self.people_by_variant is not None

    @property
    def is_worthwhile(self) -> bool | None:
        """Whether it can see anything useful; None when nobody knows."""
        if self.people_by_variant is None or self.held_out is None:
            return None
        is_test = not self.comparisons or _is_useful(
            self.smallest_detectable_difference, self.expected_rate, min(self.people_by_variant)
        )
        rate = self.holdout_expected_rate
        is_holdout = rate is None or _is_useful(self.holdout_smallest_detectable_difference, rate, self.held_out)
        return is_test and is_holdout

    def to_json(self) -> dict[str, Any]:
        """As it is stored at the launch."""
        return {
            "people_by_variant": list(self.people_by_variant) if self.people_by_variant is not None else None,
            "held_out": self.held_out,
            "rest": self.rest,
            "expected_rate": self.expected_rate,
            "smallest_detectable_difference": self.smallest_detectable_difference,
            "information": self.information,
            "holdout_expected_rate": self.holdout_expected_rate,
            "holdout_smallest_detectable_difference": self.holdout_smallest_detectable_difference,
            "holdout_information": self.holdout_information,
            "alpha": self.alpha,
            "power": self.power,
            "comparisons": self.comparisons,
        }


def plan(
    campaign: MessageCampaign,
    people: int,
    *,
    counted: Sequence[int] | None = None,
    held_out: int | None = None,
) -> ExperimentPlan | None:
    """The plan for so many people who may be sent to; None for a campaign that is neither a test nor has a holdout.

    `counted` and `held_out` are people by variant and held out where somebody has counted them; else they are dealt out
    here as the launch does, which for an assignment by an attribute isn't possible.
    """
    by_attribute = bool(campaign.assignment)
    expected = experiment.expected_rate_of(campaign)
    metric = campaign.primary_metric
    is_test = bool(campaign.is_ab_test and campaign.variants)
    has_holdout = bool(campaign.assignment.get("holdout")) if by_attribute else campaign.holdout_percent > 0
    if not is_test and not has_holdout:
        return None
    arms = len(campaign.variants) if is_test else 1
    pairs = several.pairs(arms, control=campaign.control_variant) if arms > 1 else ()
    if by_attribute and counted is None:
        return ExperimentPlan(None, None, 0, expected, len(pairs), metric=metric)
    held = held_out_of(campaign, people) if held_out is None else held_out
    by_variant, rest = tuple(counted or ()), 0
    if counted is None:
        left = people - held
        tested = tested_of(campaign, left)
        by_variant, rest = experiment.dealt(experiment.weights_of(campaign), tested), left - tested
    seen = _detectable(by_variant, expected, comparisons=len(pairs)) if pairs else None
    information = _information(by_variant, pairs, expected)
    made = ExperimentPlan(by_variant, held, rest, expected, len(pairs), seen, information, metric=metric)
    return _with_holdout(made) if has_holdout or (by_attribute and held) else made


def held_out_of(campaign: MessageCampaign, people: int) -> int:
    """How many of so many people are held out by chance: the nearest whole number, a half counting as one."""
    return (people * experiment.holdout_per_myriad(campaign) + 5_000) // 10_000


def tested_of(campaign: MessageCampaign, people: int) -> int:
    """How many of so many people who aren't held out are in the test phase: all, when no winner is picked."""
    chosen = experiment.auto_winner_of(campaign)
    return people if chosen is None else (people * chosen.test_percent + 50) // 100


def _detectable(people: tuple[int, ...], rate: float, *, comparisons: int = 1) -> float | None:
    """The smallest difference that is detected between the smallest arms, as a report says it of the same plan."""
    found = detectable(people, PLAN, rate, comparisons=comparisons)
    return None if isinstance(found, Inconclusive) else found


def _information(people: tuple[int, ...], pairs: Sequence[tuple[int, int]], rate: float) -> float | None:
    """T* of the comparison with the least of it."""
    if not pairs or not all(people):
        return None
    return min(planned_information(people[one], people[other], rate) for one, other in pairs)


def _with_holdout(made: ExperimentPlan) -> ExperimentPlan:
    """The comparison of everybody who gets something with those who don't: of what these can do too, which is to convert."""
    treated, held = sum(made.people_by_variant or ()) + made.rest, made.held_out or 0
    rate = made.expected_rate if made.metric == "converted" else experiment.DEFAULT_RATES["converted"]
    return replace(
        made,
        holdout_expected_rate=rate,
        holdout_smallest_detectable_difference=_detectable((held, treated), rate),
        holdout_information=_information((held, treated), ((0, 1),), rate),
    )


def _is_useful(seen: float | None, rate: float, smallest: int) -> bool:
    rarer = min(rate, 1 - rate)
    return seen is not None and seen <= rarer and smallest * rarer >= FEWEST_EVENTS


def sentences(made: ExperimentPlan) -> tuple[str, ...]:
    """The plan in words, the most important first."""
    if not made.is_known:
        return (
            "How many people each variant has is read from their attribute at the start: nothing can be planned before.",
        )
    said = [*_of_test(made), *_of_holdout(made)]
    if made.rest:
        said.append(f"{_people(made.rest)} more get the winner when it is picked; they are not part of the comparison.")
    return tuple(said)


def _of_test(made: ExperimentPlan) -> list[str]:
    if not made.comparisons:
        return []
    people, seen = made.people_by_variant or (), made.smallest_detectable_difference
    is_even = max(people) - min(people) <= 1
    each = f"{_people(min(people))} for each variant" if is_even else f"{_listed(people)} people for the variants"
    if seen is None:
        return [f"This test can't detect any difference: there are too few people ({each})."]
    expected = f"how many {DOING[made.metric]}, if about {100 * made.expected_rate:.4g} % do"
    said = [f"This test can detect differences of {_points(seen)} or more in {expected}: {each}."]
    if not _is_useful(seen, made.expected_rate, min(people)):
        said.append(
            "That is hardly worth a test: take more people, fewer variants, or something to count that more people do."
        )
    return said


def _of_holdout(made: ExperimentPlan) -> list[str]:
    rate, held, seen = made.holdout_expected_rate, made.held_out or 0, made.holdout_smallest_detectable_difference
    if rate is None:
        return []
    if seen is None:
        return [f"The holdout ({_people(held)}) is too small to tell what would have happened anyway."]
    change = f"a change of {_points(seen)} or more in how many buy or book"
    said = [f"Against the holdout of {_people(held)} it can show {change}, if about {100 * rate:.4g} % do anyway."]
    if not _is_useful(seen, rate, held):
        said.append("That is hardly worth a holdout: hold out more, or take more people.")
    return said


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _listed(numbers: tuple[int, ...]) -> str:
    *first, last = [f"{number:,}" for number in numbers]
    return f"{', '.join(first)} and {last}"


def _points(difference: float) -> str:
    """In percentage points, with a decimal or two digits, whichever is more."""
    points = 100 * difference
    return f"{points:.{min(12, max(1, 1 - math.floor(math.log10(points))))}f} points"
