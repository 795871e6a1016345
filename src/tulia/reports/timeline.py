"""What happened to a campaign's people when, in minutes, hours or days of the tenant's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tulia.campaigns.models import MessageCampaign
from tulia.core import sql
from tulia.core.errors import Invalid
from tulia.reports import buckets
from tulia.reports.buckets import MOST_BUCKETS, Buckets, TooManyBuckets


class Counts(NamedTuple):
    """People whose evidence of each kind falls into one span of time."""

    sent: int = 0
    delivered: int = 0
    read: int = 0
    replied: int = 0
    converted: int = 0
    failed: int = 0


KINDS = Counts._fields


class Bucket(NamedTuple):
    """One minute, hour or day: from `starts_at` until just before `ends_at`; `local_time` is the clock's at its start."""

    starts_at: datetime
    ends_at: datetime
    local_time: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Timeline:
    """Buckets without gaps, and the evidence before or after them. Without any span there are no buckets."""

    interval: str
    timezone: str
    buckets: tuple[Bucket, ...]
    outside: Counts


def of_campaign(
    campaign: MessageCampaign,
    *,
    interval: str,
    zone: ZoneInfo,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> Timeline:
    """From `since` (default: the start) until `until`, both widened to whole buckets. One query, in the tenant's scope.

    Without `until` it ends with the last evidence, or with as many buckets as there may be. Raises Invalid.
    """
    start = since or campaign.started_at
    if start is None and until is not None:
        raise Invalid("This campaign hasn't started: say from when on.", details={"from": "is required here"})
    if start is None:
        return Timeline(interval, str(zone), (), Counts())
    if until is not None and until <= start:
        raise Invalid("The end must be later than the beginning.", details={"to": "must be later than from"})
    span = _span(start, until, interval=interval, zone=zone, now=now)
    columns, outside = _count(campaign, span)
    if until is None:
        span = buckets.trimmed(span, [any(column[number] for column in columns) for number in range(len(span))])
    return Timeline(
        interval,
        str(zone),
        tuple(
            Bucket(before, after, before.astimezone(zone).isoformat(), Counts(*counts))
            for before, after, *counts in zip(span.edges, span.edges[1:], *columns, strict=False)
        ),
        outside,
    )


def _span(start: datetime, until: datetime | None, *, interval: str, zone: ZoneInfo, now: datetime) -> Buckets:
    if until is None:
        return buckets.reaching(start, now + timedelta(microseconds=1), interval=interval, zone=zone)
    try:
        return buckets.between(start, until, interval=interval, zone=zone)
    except TooManyBuckets as error:
        raise Invalid(
            f"That would be about {error.count:,} buckets, and {MOST_BUCKETS:,} are the most: take a longer interval or "
            f"a shorter span.",
            details={"interval": f"makes more than {MOST_BUCKETS} buckets between from and to"},
        ) from None


def _count(campaign: MessageCampaign, span: Buckets) -> tuple[list[list[int]], Counts]:
    """For each kind its people by bucket, and those outside."""
    rows = sql.fetch_all(
        sql.load("reports", "timeline"),
        {"tenant_id": campaign.tenant_id, "campaign_id": campaign.pk, "edges": sql.array(span.edges)},
    )
    size = len(span)
    columns = [[0] * (size + 2) for _ in KINDS]
    for bucket, *people in rows:
        for column, count in zip(columns, people, strict=True):
            column[bucket] = count
    outside = Counts(*(column[0] + column[-1] for column in columns))
    return [column[1:-1] for column in columns], outside
