"""When a message may go out, by the clock on the wall: quiet hours and local times, over both changes of the clocks."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.campaigns import window
from tulia.tenants.quiet_hours import QuietHours

NIGHT = QuietHours(time(22), time(8))
ZONES = ("Africa/Nairobi", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
FIRST, LAST = datetime.fromisoformat("2020-01-01T00:00"), datetime.fromisoformat("2030-01-01T00:00")
INSTANTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
CLOCKS = st.times().map(lambda one: one.replace(second=0, microsecond=0))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Africa/Nairobi", "2026-05-04T21:59:59+03:00", None),
        ("Africa/Nairobi", "2026-05-04T22:00:00+03:00", "2026-05-05T08:00:00+03:00"),
        ("Africa/Nairobi", "2026-05-05T00:00:00+03:00", "2026-05-05T08:00:00+03:00"),
        ("Africa/Nairobi", "2026-05-05T08:00:00+03:00", None),
        # The night the clocks go forward is an hour shorter, the night they go back an hour longer.
        ("Europe/Berlin", "2026-03-28T23:00:00+01:00", "2026-03-29T08:00:00+02:00"),
        ("Europe/Berlin", "2026-10-24T23:00:00+02:00", "2026-10-25T08:00:00+01:00"),
        ("America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T08:00:00-05:00"),
    ],
)
def test_the_night_ends_at_eight_by_the_clock_on_the_wall(zone: str, now: str, until: str | None) -> None:
    assert window.quiet_until(NIGHT, zone, at(now)) == (at(until) if until else None)


def test_quiet_hours_that_end_in_the_hour_the_clocks_skip_end_when_they_have_skipped_it() -> None:
    hours = QuietHours(time(22), time(2, 30))
    assert window.quiet_until(hours, "Europe/Berlin", at("2026-03-29T01:30:00+01:00")) == at(
        "2026-03-29T03:00:00+02:00"
    )


@given(now=INSTANTS, zone=st.sampled_from(ZONES), start=CLOCKS, end=CLOCKS)
def test_whoever_waits_for_the_end_of_the_quiet_hours_is_out_of_them(
    now: datetime, zone: str, start: time, end: time
) -> None:
    if start == end:
        return
    hours = QuietHours(start, end)
    until = window.quiet_until(hours, zone, now)
    is_quiet = hours.contains(now.astimezone(zoneinfo.ZoneInfo(zone)).time())
    assert (until is not None) == is_quiet
    if until is not None:
        assert now < until <= now + timedelta(hours=26)
        assert (
            not hours.contains(until.astimezone(zoneinfo.ZoneInfo(zone)).time())
            or until.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
            != now.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
        )


@given(scheduled_at=INSTANTS, home=st.sampled_from(ZONES), zone=st.sampled_from(ZONES))
def test_a_local_time_is_the_same_wall_clock_time_everywhere(scheduled_at: datetime, home: str, zone: str) -> None:
    arrival = window.local_arrival(scheduled_at, tenant_zone=home, zone=zone)
    wall = scheduled_at.astimezone(zoneinfo.ZoneInfo(home)).replace(tzinfo=None)
    shown = arrival.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    assert shown == wall or shown - wall <= timedelta(hours=24)  # the gap of a day that Apia skipped was one whole day
    assert arrival >= window.launch_at(scheduled_at, tenant_zone=home, is_local=True)


def test_a_time_the_clocks_skip_is_the_first_after_it_and_one_they_repeat_the_first_of_both() -> None:
    assert window.instant_of(datetime.fromisoformat("2026-03-29T02:30"), "Europe/Berlin") == at(
        "2026-03-29T03:00:00+02:00"
    )
    assert window.instant_of(datetime.fromisoformat("2026-10-25T02:30"), "Europe/Berlin") == at(
        "2026-10-25T02:30:00+02:00"
    )
