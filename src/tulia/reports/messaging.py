"""All messages of a tenant, by type: what customers wrote, what was answered, what campaigns sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tulia.audience import reach
from tulia.core import sql
from tulia.core.errors import Invalid
from tulia.reports import buckets
from tulia.reports.buckets import MOST_BUCKETS, Buckets, TooManyBuckets

CAMPAIGNS = "scheduled_promotional"
TYPES = (
    "customer_inbound", "bot_response", "automated_transactional", "automated_reminder", "automated_reengagement",
    CAMPAIGNS, "manual_outbound",
)  # fmt: skip
DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One type of message. What became of the messages is known of campaigns only, and None for the others.

    `delivered`, `read` and `replied` are of the messages that went out in this time, whenever it happened; `failed`
    counts failures of this time.
    """

    message_type: str
    messages: int = 0
    unique_customers: int = 0
    delivered: int | None = None
    read: int | None = None
    replied: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the tenant's time zone; `messages` has every type, with or without messages."""

    date: date
    messages: dict[str, int]
    total: int


@dataclass(frozen=True, slots=True)
class Messaging:
    """Whole days from `since` until just before `until`; `unique_customers` counts each person once over all types."""

    since: datetime
    until: datetime
    timezone: str
    types: tuple[Line, ...]
    messages: int
    unique_customers: int
    days: tuple[Day, ...]


def of_tenant(
    tenant_id: UUID, *, since: datetime | None, until: datetime | None, zone: ZoneInfo, now: datetime
) -> Messaging:
    """The last thirty days unless said otherwise. Four queries, in the tenant's scope. Raises Invalid."""
    span = _span(since, until, zone=zone, now=now)
    params: dict[str, Any] = {"tenant_id": tenant_id, "since": span.start, "until": span.end}
    reach.grant_memory()
    lines: dict[str, Line] = {name: Line(name) for name in TYPES}
    days: list[dict[str, int]] = [{} for _ in range(len(span))]
    daily: dict[str, Any] = {"tenant_id": tenant_id, "edges": list(span.edges)}
    for name, day, messages, customers in sql.fetch_all(sql.load("reports", "messaging_conversations"), daily):
        if day is None:
            lines[name] = Line(name, messages, customers)
        else:
            _add(days[day - 1], name, messages)
    (failed,) = sql.fetch_one(sql.load("reports", "messaging_failures"), params) or (0,)
    written, others = sql.fetch_one(sql.load("reports", "messaging_people"), params) or (0, 0)
    fates = [0, 0, 0, 0]
    for day, *counts in sql.fetch_all(sql.load("reports", "messaging_campaigns"), daily):
        _add(days[day - 1], CAMPAIGNS, counts[0])
        fates = [known + more for known, more in zip(fates, counts, strict=True)]
    messages, delivered, read, replied = fates
    lines[CAMPAIGNS] = Line(CAMPAIGNS, messages, written, delivered, read, replied, failed)
    return Messaging(
        since=span.start,
        until=span.end,
        timezone=str(zone),
        types=tuple(lines.values()),
        messages=sum(line.messages for line in lines.values()),
        unique_customers=written + others,
        days=tuple(
            Day(edge.astimezone(zone).date(), {name: counts.get(name, 0) for name in lines}, sum(counts.values()))
            for edge, counts in zip(span.edges, days, strict=False)
        ),
    )


def _span(since: datetime | None, until: datetime | None, *, zone: ZoneInfo, now: datetime) -> Buckets:
    end = until or now
    # Half a day later than midnight, because a change of clocks may lie between: rounded down it is the right day.
    start = since or buckets.floor(end, interval="day", zone=zone) - timedelta(days=DEFAULT_DAYS - 1, hours=-12)
    if end <= start:
        raise Invalid("The end must be later than the beginning.", details={"to": "must be later than from"})
    try:
        return buckets.between(start, end, interval="day", zone=zone)
    except TooManyBuckets as error:
        raise Invalid(
            f"That would be {error.count:,} days, and {MOST_BUCKETS:,} are the most.",
            details={"from": f"at most {MOST_BUCKETS} days before to"},
        ) from None


def _add(counts: dict[str, int], name: str, messages: int) -> None:
    counts[name] = counts.get(name, 0) + messages
