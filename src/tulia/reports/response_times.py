"""How long people took to read and to reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tulia.core import sql

EDGES = (60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800)
"""Seconds: 1, 5 and 15 minutes; 1, 4 and 12 hours; 1, 3 and 7 days."""
_COLUMNS = 3 + len(EDGES)


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

    to_read: Spread = field(default_factory=lambda: _spread((0, None, None, *(0 for _ in EDGES))))
    to_reply: Spread = field(default_factory=lambda: _spread((0, None, None, *(0 for _ in EDGES))))


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """All people of a campaign together, and each arm by its number."""

    everyone: Times = field(default_factory=Times)
    arms: dict[int, Times] = field(default_factory=dict)

    def of_arm(self, arm: int) -> Times:
        return self.arms.get(arm, Times())


def of_campaign(tenant_id: UUID, campaign_id: UUID) -> ResponseTimes:
    """One query. Call in the tenant's scope."""
    rows = sql.fetch_all(sql.load("reports", "response_times"), {"tenant_id": tenant_id, "campaign_id": campaign_id})
    everyone, arms = Times(), {}
    for arm, is_everyone, *numbers in rows:
        times = Times(_spread(numbers[:_COLUMNS]), _spread(numbers[_COLUMNS:]))
        if is_everyone:
            everyone = times
        elif arm is not None:
            arms[arm] = times
    return ResponseTimes(everyone, arms)


def _spread(numbers: Sequence[object]) -> Spread:
    people, mean, quantiles, *below = numbers
    p10, median, p90 = quantiles if isinstance(quantiles, list) else (None, None, None)
    counts = [0, *below, people]
    edges = (0, *EDGES)
    bars = tuple(
        Bar(edge, following, after - before)  # type: ignore[operator]
        for edge, following, before, after in zip(edges, (*EDGES, None), counts, counts[1:], strict=False)
    )
    return Spread(people, mean, p10, median, p90, bars)  # type: ignore[arg-type]
