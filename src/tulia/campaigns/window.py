"""When a message may go out, on the clock of the person it goes to (pure).

A time of day that the clocks skip in spring means the first moment after the gap; one they repeat in autumn means the
first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tulia.tenants.quiet_hours import QuietHours

EARLIEST_ZONE = "Pacific/Kiritimati"
"""Where every day begins first (UTC+14)."""


def quiet_until(hours: QuietHours, zone: str, now: datetime) -> datetime | None:
    """When the quiet hours end (UTC) if it is quiet in that zone now, else None."""
    local = now.astimezone(ZoneInfo(zone))
    if not hours.contains(local.time()):
        return None
    day = local.date() if local.time() < hours.end else local.date() + timedelta(days=1)
    ends = instant_of(datetime.combine(day, hours.end), zone)
    if ends <= now:  # the clocks were put back over the end of the quiet hours: it comes once more
        ends = datetime.combine(day, hours.end, ZoneInfo(zone)).replace(fold=1).astimezone(UTC)
    return ends


def quiet_zones(hours: QuietHours | None, zones: Iterable[str], now: datetime) -> dict[str, datetime]:
    """The zones where it is quiet now, each with the end of it."""
    if hours is None:
        return {}
    found = {zone: quiet_until(hours, zone, now) for zone in zones}
    return {zone: until for zone, until in found.items() if until is not None}


def instant_of(wall: datetime, zone: str) -> datetime:
    """The instant (UTC) at which clocks in the zone show this (naive) time."""
    instant = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown == wall:
        return instant
    # In the gap of spring, fold=0 takes the offset before it and lands as far after the gap as `wall` is inside it.
    earlier = wall.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    return _end_of_gap(earlier, instant, zone)


def _end_of_gap(before: datetime, after: datetime, zone: str) -> datetime:
    """The moment between these two at which the zone's offset changes, to the second."""
    tz = ZoneInfo(zone)
    first = before.astimezone(tz).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(tz).utcoffset() == first:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def local_arrival(scheduled_at: datetime, *, tenant_zone: str, zone: str) -> datetime:
    """When the clocks in `zone` show what the tenant's clocks show at `scheduled_at`."""
    wall = scheduled_at.astimezone(ZoneInfo(tenant_zone)).replace(tzinfo=None)
    return instant_of(wall, zone)


def launch_at(scheduled_at: datetime, *, tenant_zone: str, is_local: bool) -> datetime:
    """When a scheduled campaign starts: early enough for the zones where its time comes first."""
    if not is_local:
        return scheduled_at
    return min(scheduled_at, local_arrival(scheduled_at, tenant_zone=tenant_zone, zone=EARLIEST_ZONE))
