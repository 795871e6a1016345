"""How long people took to read and to reply."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate

from tulia.campaigns.models import MessageCampaign
from tulia.core import sql

_CLOCKS_DIFFER = timedelta(minutes=1)
EDGES = (60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800)
"""Seconds: 1, 5 and 15 minutes; 1, 4 and 12 hours; 1, 3 and 7 days."""
EXACT_UP_TO = 10_000
"""People a campaign was sent to. Of more, times are known to the second or to three digits; their mean stays exact."""


@dataclass(frozen=True, slots=True)
class Bar:
    """People who took at least `from_seconds` and less than `to_seconds` (None: however long)."""

    from_seconds: int
    to_seconds: int | None
    people: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Times of a number of people, in seconds; None when there is nobody. Quantiles are interpolated."""

    people: int = 0
    mean_seconds: float | None = None
    p10_seconds: float | None = None
    median_seconds: float | None = None
    p90_seconds: float | None = None
    histogram: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """How long one group of people took."""

    to_read: Spread = field(default_factory=lambda: spread({}, 0.0))
    to_reply: Spread = field(default_factory=lambda: spread({}, 0.0))


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """All people of a campaign together, and each arm by its number."""

    everyone: Times = field(default_factory=Times)
    arms: dict[int, Times] = field(default_factory=dict)

    def of_arm(self, arm: int) -> Times:
        return self.arms.get(arm, Times())


class _Pile:
    """People by the seconds they took."""

    def __init__(self) -> None:
        self.people: dict[float, int] = {}
        self.seconds = 0.0

    def add(self, at: float, people: int, seconds: float) -> None:
        self.people[at] = self.people.get(at, 0) + people
        self.seconds += seconds

    def spread(self) -> Spread:
        return spread(self.people, self.seconds)


def of_campaign(campaign: MessageCampaign) -> ResponseTimes:
    """One query. Call in the tenant's scope."""
    if campaign.started_at is None:
        return ResponseTimes()
    is_small = campaign.delivery_count <= EXACT_UP_TO
    rows = sql.fetch_all(
        sql.load("reports", "response_times") if is_small else sql.load("reports", "response_times_kept"),
        {"tenant_id": campaign.tenant_id, "campaign_id": campaign.pk}
        | ({"since": campaign.started_at - _CLOCKS_DIFFER} if is_small else {}),
    )
    everyone = (_Pile(), _Pile())
    arms: dict[int, tuple[_Pile, _Pile]] = {}
    for is_reply, arm, at, people, seconds in rows:
        everyone[is_reply].add(at, people, seconds)
        if arm is not None:
            arms.setdefault(arm, (_Pile(), _Pile()))[is_reply].add(at, people, seconds)
    return ResponseTimes(_times(everyone), {arm: _times(piles) for arm, piles in sorted(arms.items())})


def _times(piles: tuple[_Pile, _Pile]) -> Times:
    return Times(piles[0].spread(), piles[1].spread())


def spread(people: Mapping[float, int], seconds: float) -> Spread:
    """Of people by the seconds they took; `seconds` is all of them added up."""
    values = sorted(people)
    upto = list(accumulate(people[value] for value in values))
    total = upto[-1] if upto else 0
    below = [upto[found - 1] if (found := bisect.bisect_left(values, edge)) else 0 for edge in EDGES]
    counts = [0, *below, total]
    bars = tuple(
        Bar(edge, following, after - before)
        for edge, following, before, after in zip((0, *EDGES), (*EDGES, None), counts, counts[1:], strict=False)
    )
    if not total:
        return Spread(histogram=bars)
    p10, median, p90 = (_quantile(values, upto, share) for share in (0.1, 0.5, 0.9))
    return Spread(total, seconds / total, p10, median, p90, bars)


def _quantile(values: Sequence[float], upto: Sequence[int], share: float) -> float:
    """Between the two people next to the place, in proportion (as PostgreSQL's percentile_cont)."""
    place = share * (upto[-1] - 1)
    lower = math.floor(place)
    before = values[bisect.bisect_right(upto, lower)]
    after = values[bisect.bisect_right(upto, min(lower + 1, upto[-1] - 1))]
    return before + (after - before) * (place - lower)
