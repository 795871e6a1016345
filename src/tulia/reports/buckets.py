"""Minutes, hours and days of a time zone, as instants (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

INTERVALS = ("minute", "hour", "day")
MOST_BUCKETS = 2_000
_SHORTEST = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class TooManyBuckets(ValueError):
    """`count` is about how many there would be."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} buckets")
        self.count = count


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets without gaps: the i-th lasts from `edges[i]` to `edges[i + 1]`. A day of a change of clocks has 23 or 25 hours."""

    edges: tuple[datetime, ...]

    def __len__(self) -> int:
        return max(0, len(self.edges) - 1)

    @property
    def start(self) -> datetime:
        return self.edges[0]

    @property
    def end(self) -> datetime:
        return self.edges[-1]


def between(start: datetime, end: datetime, *, interval: str, zone: ZoneInfo) -> Buckets:
    """The buckets that hold every instant from `start` until `end`, at least one. Raises TooManyBuckets."""
    count = (end - start) / _SHORTEST[interval]
    if count > MOST_BUCKETS + 1:
        raise TooManyBuckets(math.ceil(count))
    edges = [floor(start, interval=interval, zone=zone)]
    while edges[-1] < end or len(edges) < 2:
        edges.append(following(edges[-1], interval=interval, zone=zone))
    if len(edges) - 1 > MOST_BUCKETS:
        raise TooManyBuckets(len(edges) - 1)
    return Buckets(tuple(edges))


def reaching(start: datetime, end: datetime, *, interval: str, zone: ZoneInfo) -> Buckets:
    """The buckets from `start` on until `end`, or as many as there may be."""
    longest = floor(start, interval=interval, zone=zone) + (MOST_BUCKETS - 1) * _SHORTEST[interval]
    return between(start, max(start, min(end, longest)), interval=interval, zone=zone)


def trimmed(buckets: Buckets, counts: Sequence[bool]) -> Buckets:
    """Without the empty ones at the end; at least one is left."""
    last = max((number for number, is_filled in enumerate(counts) if is_filled), default=0)
    return Buckets(buckets.edges[: last + 2])


def floor(at: datetime, *, interval: str, zone: ZoneInfo) -> datetime:
    """When the bucket of this instant began, in UTC."""
    local = at.astimezone(zone)
    if interval == "day":
        return _midnight(local, zone)
    past = timedelta(seconds=local.second, microseconds=local.microsecond)
    if interval == "hour":
        past += timedelta(minutes=local.minute)
    return at.astimezone(UTC) - past


def following(edge: datetime, *, interval: str, zone: ZoneInfo) -> datetime:
    """The edge after this one, in UTC."""
    if interval == "day":
        return _midnight(edge.astimezone(zone) + timedelta(days=1), zone)
    after = edge + _SHORTEST[interval]
    aligned = floor(after, interval=interval, zone=zone)
    return aligned if aligned > edge else after


def _midnight(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant of this day. Where clocks skip midnight, that is when they do."""
    return datetime.combine(local.date(), time(), tzinfo=zone).astimezone(UTC)
