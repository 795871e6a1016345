"""When: the instants of a recurrence, counted in wall-clock time of a zone (pure).

09:00 stays 09:00 when the clocks change. A time that the clocks leap over means the first instant that exists after it;
a time that comes twice means the first. No search is endless: it gives up after `_EMPTY_PERIODS` periods (weeks,
months, …) without an occurrence, or at the end of the year 2200.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from tulia.campaigns import recurrence_rule, window
from tulia.campaigns.recurrence_rule import Rule

_EMPTY_PERIODS = 30_000  # the weekdays and hours of HOURLY repeat after 168; for days these are 82 years
_LONGEST_SHIFT = timedelta(days=2)  # clocks have been moved by a day (Pacific/Apia, 2011-12-30)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule, the wall time it begins at (no occurrence is before it), and the zone whose clocks count."""

    rule: Rule
    starts_at: datetime
    timezone: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What has come due: the latest occurrence, how many others before it, and when it goes on (None: never)."""

    latest: datetime | None
    earlier_count: int
    latest_earlier: datetime | None
    following: datetime | None


def wall_of(instant: datetime, zone: str) -> datetime:
    """What the zone's clocks show."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def end_of(schedule: Schedule) -> datetime | None:
    """The instant after which UNTIL allows nothing more."""
    until = schedule.rule.until
    if isinstance(until, datetime):
        return until if until.tzinfo else window.instant_of(until, schedule.timezone)
    if isinstance(until, date):
        midnight = datetime.combine(until + timedelta(days=1), time.min)
        return window.instant_of(midnight, schedule.timezone) - timedelta(microseconds=1)
    return None


def occurrences(schedule: Schedule, *, since: datetime) -> Iterator[datetime]:
    """The instants from `since` (inclusive) on, in UTC, each later than the one before."""
    end, rule = end_of(schedule), schedule.rule
    is_counted = rule.count is not None
    near = (
        schedule.starts_at
        if is_counted
        else max(schedule.starts_at, wall_of(since, schedule.timezone) - _LONGEST_SHIFT)
    )
    left = rule.count
    empty, before = 0, None
    for times in recurrence_rule.periods(rule, starts_at=schedule.starts_at, since=near):
        empty = 0 if times else empty + 1
        if empty > _EMPTY_PERIODS:
            return
        for wall in times:
            if left is not None:
                if left == 0:
                    return
                left -= 1
            at = window.instant_of(wall, schedule.timezone)
            if end is not None and at > end:
                return
            if at >= since and at != before:
                yield at
                before = at


def upcoming(schedule: Schedule, *, since: datetime, count: int) -> list[datetime]:
    """At most `count` occurrences from `since` (inclusive) on."""
    return list(islice(occurrences(schedule, since=since), count))


def after(schedule: Schedule, instant: datetime) -> datetime | None:
    """The first occurrence later than this; None when there is none."""
    return next(occurrences(schedule, since=instant + timedelta(microseconds=1)), None)


def turn(schedule: Schedule, *, since: datetime, now: datetime) -> Turn:
    """What came due from `since` (inclusive) to `now` (inclusive), and what follows."""
    latest = latest_earlier = None
    count = 0
    for at in occurrences(schedule, since=since):
        if at > now:
            return Turn(latest, max(0, count - 1), latest_earlier, at)
        latest, latest_earlier = at, latest
        count += 1
    return Turn(latest, max(0, count - 1), latest_earlier, None)
