"""Minutes, hours and days of every time zone: no gap, no overlap, and days that begin when the people's day begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.reports import buckets
from tulia.reports.buckets import INTERVALS, TooManyBuckets

ZONES = ("UTC", "Africa/Nairobi", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo",
         "America/St_Johns", "America/Havana", "Pacific/Chatham", "America/New_York")  # fmt: skip
BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (utc(2026, 3, 28, 12), utc(2026, 3, 30, 12), [24, 23, 24]),
        (utc(2026, 10, 24, 12), utc(2026, 10, 26, 12), [24, 25, 24]),
    ],
)
def test_the_day_of_a_change_of_clocks_has_23_or_25_hours(start: datetime, end: datetime, hours: list[int]) -> None:
    found = buckets.between(start, end, interval="day", zone=BERLIN)
    lasting = [
        (after - before) / timedelta(hours=1) for before, after in zip(found.edges, found.edges[1:], strict=False)
    ]
    assert lasting == hours
    assert {edge.astimezone(BERLIN).hour for edge in found.edges} == {0}


def test_the_hour_that_comes_twice_is_two_buckets() -> None:
    found = buckets.between(utc(2026, 10, 24, 23), utc(2026, 10, 25, 3), interval="hour", zone=BERLIN)
    assert [edge.astimezone(BERLIN).hour for edge in found.edges] == [1, 2, 2, 3, 4]


def test_a_day_without_a_midnight_begins_when_the_clocks_jump() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    found = buckets.between(utc(2026, 4, 23, 22), utc(2026, 4, 24, 20), interval="day", zone=cairo)
    assert [edge.astimezone(cairo).isoformat() for edge in found.edges] == [
        "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00",
    ]  # fmt: skip


def test_too_many_buckets_are_not_even_made() -> None:
    for end in (utc(2026, 1, 2, 9, 21), utc(9998, 1, 1)):
        with pytest.raises(TooManyBuckets):
            buckets.between(utc(2026, 1, 1), end, interval="minute", zone=BERLIN)
    assert len(buckets.between(utc(2026, 1, 1), utc(2026, 1, 2, 9, 20), interval="minute", zone=BERLIN)) == 2_000


def test_without_an_end_there_are_as_many_as_there_may_be() -> None:
    found = buckets.reaching(utc(2026, 1, 1), utc(2027, 1, 1), interval="minute", zone=BERLIN)
    assert len(found) <= 2_000
    assert found.start == utc(2026, 1, 1)
    assert len(buckets.trimmed(found, [False, True, False])) == 2
    assert len(buckets.trimmed(found, [])) == 1


instants = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


@given(instants, st.floats(0.001, 60), st.sampled_from(INTERVALS), st.sampled_from(ZONES))
def test_every_instant_is_in_exactly_one_bucket_and_there_are_no_more_than_needed(
    start: datetime, length: float, interval: str, name: str
) -> None:
    zone = ZoneInfo(name)
    step = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[interval]
    end = start + length * step
    found = buckets.between(start, end, interval=interval, zone=zone)
    assert found.start <= start < end <= found.end
    assert list(found.edges) == sorted(set(found.edges))
    assert found.edges[0] <= start < found.edges[1]
    assert found.edges[-2] < end
    if interval == "day":
        days = [edge.astimezone(zone).date() for edge in found.edges]
        assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
