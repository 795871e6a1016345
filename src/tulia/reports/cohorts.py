"""A campaign's people in groups: by the week of their first message, by tag, by country."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tulia.audience import reach
from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.core.errors import Invalid

KINDS = ("first_message_week", "tag", "country")
MOST_TAGS = 100
_NOTES = {
    "first_message_week": "By the ISO week in which each person got their first campaign message ever.",
    "tag": f"By the tags that people have now; whoever has two stands in both. The {MOST_TAGS} most frequent, then "
    "everybody with any other tag, then those without.",
    "country": "By the country people are known to be in now.",
}


@dataclass(frozen=True, slots=True)
class Amount:
    currency: str
    revenue_micros: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """One group; `key` is the week (2026-W18), the tag or the country, None for the people who have none of it.

    `is_other` marks the group of everybody with less frequent tags. Rates are percent, None when nobody stands below.
    """

    key: str | None
    is_other: bool
    targeted: int
    sent: int
    delivered: int
    read: int
    replied: int
    converted: int
    delivery_rate: float | None
    read_rate: float | None
    engagement_rate: float | None
    conversion_rate: float | None
    revenue: tuple[Amount, ...]


@dataclass(frozen=True, slots=True)
class Cohorts:
    """`note` says in words how people were grouped."""

    by: str
    note: str
    cohorts: tuple[Cohort, ...]


def of_campaign(campaign: MessageCampaign, *, by: str, timezone: str) -> Cohorts:
    """The cohorts in order: weeks and countries by name, tags by their people. Raises Invalid. In the tenant's scope."""
    if by not in KINDS:
        known = ", ".join(KINDS)
        raise Invalid(f"by must be one of {known}.", details={"by": f"must be one of {known}"})
    params: dict[str, Any] = {"tenant_id": campaign.tenant_id, "campaign_id": campaign.pk}
    if by == "first_message_week":
        params["timezone"] = timezone
    elif by == "tag":
        params["most"] = MOST_TAGS
    reach.grant_memory()
    rows = sql.fetch_all(sql.load("reports", f"cohorts_by_{by}"), params)
    if by != "tag":
        rows = [("none" if row[0] is None else by, *row) for row in rows]
    return Cohorts(by, _NOTES[by], tuple(_cohorts(rows, by)))


def _cohorts(rows: Iterable[sql.Row], by: str) -> Iterable[Cohort]:
    counts: dict[tuple[str, str], list[int]] = {}
    revenue: dict[tuple[str, str], list[Amount]] = {}
    for kind, key, currency, *numbers, micros in rows:
        group = (kind, key or "")
        if currency is None:
            counts[group] = numbers
        else:
            revenue.setdefault(group, []).append(Amount(currency, micros))
    place = {"other": 1, "none": 2}
    groups = sorted(
        counts.items(), key=lambda one: (place.get(one[0][0], 0), -one[1][0] if by == "tag" else 0, one[0][1])
    )
    for (kind, key), numbers in groups:
        targeted, sent, delivered, read, replied, converted = numbers
        if not targeted and kind in ("none", "other"):
            continue
        named = week_of(key) if kind == "first_message_week" else key
        yield Cohort(
            named if kind not in ("none", "other") else None, kind == "other",
            targeted, sent, delivered, read, replied, converted,
            _percent(delivered, sent), _percent(read, delivered), _percent(replied, delivered),
            _percent(converted, delivered),
            tuple(sorted(revenue.get((kind, key), ()), key=lambda amount: amount.currency)),
        )  # fmt: skip


def week_of(monday: str) -> str:
    """The ISO week that begins on this day, like 2026-W18."""
    year, week, _ = date.fromisoformat(monday).isocalendar()
    return f"{year}-W{week:02}"


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
