"""A recurrence happens when the clocks of its zone say so, whatever they do, and no search for it is endless."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule as oracle  # type: ignore[import-untyped]
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tulia.campaigns import recurrence, recurrence_rule, window
from tulia.campaigns.recurrence import Schedule
from tulia.campaigns.recurrence_rule import RuleInvalid

ZONES = ("Europe/Berlin", "America/New_York", "Africa/Nairobi", "Australia/Lord_Howe", "Pacific/Apia")
NEVER = (
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=MONTHLY;BYMONTH=2,4;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=300",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=WEEKLY;INTERVAL=52;BYMONTH=7;UNTIL=20270101",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=10",
    "FREQ=HOURLY;INTERVAL=2;BYHOUR=0,2,4;BYDAY=MO",
)


def schedule(text: str, starts_at: str = "2027-01-04T09:00:00", zone: str = "Europe/Berlin") -> Schedule:
    return Schedule(recurrence_rule.parse(text), datetime.fromisoformat(starts_at), zone)


def walls(planned: Schedule, count: int, *, since: datetime | None = None) -> list[str]:
    since = since or window.instant_of(planned.starts_at, planned.timezone)
    found = recurrence.upcoming(planned, since=since, count=count)
    return [f"{recurrence.wall_of(at, planned.timezone):%Y-%m-%d %H:%M}" for at in found]


def _numbers(least: int, most: int, count: int = 4) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(least, most).filter(bool) if least < 0 else st.integers(least, most), max_size=count)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules of the subset, most of which happen."""
    frequency = draw(st.sampled_from(recurrence_rule.FREQUENCIES))
    parts = {"FREQ": frequency, "INTERVAL": str(draw(st.integers(1, 4))), "WKST": draw(st.sampled_from(("MO", "SU")))}
    days = draw(st.lists(st.sampled_from(("MO", "TU", "WE", "TH", "FR", "SA", "SU")), max_size=3))
    if frequency in ("MONTHLY", "YEARLY") and draw(st.booleans()):
        days = [f"{draw(st.sampled_from((1, 2, -1, -2)))}{day}" for day in days]
    lists = {"BYHOUR": draw(_numbers(0, 23))}
    if frequency != "HOURLY":
        lists["BYMONTH"] = draw(_numbers(1, 12))
    if frequency not in ("HOURLY", "WEEKLY"):
        lists["BYMONTHDAY"] = draw(_numbers(-31, 31))
    if frequency in ("MONTHLY", "YEARLY") and (days or lists["BYMONTHDAY"]):
        lists["BYSETPOS"] = draw(_numbers(-3, 3, 2))
    parts |= {name: ",".join(map(str, values)) for name, values in lists.items() if values}
    parts |= {"BYDAY": ",".join(days)} if days else {}
    if draw(st.booleans()):
        parts["BYMINUTE"] = str(draw(st.integers(0, 59)))
    return ";".join(f"{name}={value}" for name, value in parts.items())


def test_nine_stays_nine_when_the_clocks_change() -> None:
    planned = schedule("FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0", "2026-03-16T09:00:00")
    found = recurrence.upcoming(planned, since=datetime(2026, 3, 16, tzinfo=UTC), count=3)
    assert [at.hour for at in found] == [8, 8, 7]
    assert walls(planned, 3) == ["2026-03-16 09:00", "2026-03-23 09:00", "2026-03-30 09:00"]


def test_two_wall_times_that_fall_together_are_one_occurrence() -> None:
    planned = schedule("FREQ=HOURLY", "2026-03-29T01:00:00")
    found = recurrence.upcoming(planned, since=datetime(2026, 3, 28, tzinfo=UTC), count=4)
    assert [f"{at:%H:%M}" for at in found] == ["00:00", "01:00", "02:00", "03:00"]


@pytest.mark.parametrize(
    ("zone", "starts_at", "expected"),
    [
        ("Europe/Berlin", "2026-03-28T02:30:00", ["28 02:30", "29 03:00", "30 02:30"]),
        ("America/New_York", "2026-03-07T02:00:00", ["07 02:00", "08 03:00", "09 02:00"]),
        ("Australia/Lord_Howe", "2026-10-03T02:15:00", ["03 02:15", "04 02:30", "05 02:15"]),
        ("Pacific/Apia", "2011-12-29T09:00:00", ["29 09:00", "31 00:00", "31 09:00"]),  # a day that wasn't there
        ("Africa/Nairobi", "2026-03-28T02:30:00", ["28 02:30", "29 02:30", "30 02:30"]),
    ],
)
def test_a_time_that_the_clocks_leap_over_is_the_first_that_exists_after_it(
    zone: str, starts_at: str, expected: list[str]
) -> None:
    assert [wall[8:] for wall in walls(schedule("FREQ=DAILY", starts_at, zone), 3)] == expected


def test_a_time_that_comes_twice_is_the_first() -> None:
    planned = schedule("FREQ=DAILY", "2026-10-25T02:30:00")
    assert recurrence.upcoming(planned, since=datetime(2026, 10, 25, tzinfo=UTC), count=2) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize("text", NEVER)
def test_a_rule_that_never_happens_is_found_out_soon(text: str) -> None:
    begun = time.process_time()
    assert recurrence.after(schedule(text), datetime(2026, 11, 22, tzinfo=UTC)) is None
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=WEEKLY", ["2027-01-04 09:00", "2027-01-11 09:00"]),
        ("rrule:freq=weekly;byday=fr,mo;byhour=18", ["2027-01-04 18:00", "2027-01-08 18:00", "2027-01-11 18:00"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", ["2027-01-04 09:00", "2027-01-17 09:00", "2027-01-18 09:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17;BYMINUTE=30", ["2027-01-29 17:30", "2027-02-26 17:30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2027-01-31 09:00", "2027-03-31 09:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2027-01-31 09:00", "2027-02-28 09:00"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2027-01-29 09:00", "2027-02-26 09:00"]),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2027-11-25 09:00", "2028-11-23 09:00"]),
        ("FREQ=YEARLY;BYDAY=1MO", ["2027-01-04 09:00", "2028-01-03 09:00"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29 09:00", "2032-02-29 09:00"]),
        ("FREQ=HOURLY;INTERVAL=6;BYDAY=MO", ["2027-01-04 09:00", "2027-01-04 15:00", "2027-01-04 21:00", "2027-01-11 03:00"]),
        ("FREQ=DAILY;COUNT=2", ["2027-01-04 09:00", "2027-01-05 09:00"]),
        ("FREQ=DAILY;UNTIL=20270105", ["2027-01-04 09:00", "2027-01-05 09:00"]),
        ("FREQ=DAILY;UNTIL=20270105T085959", ["2027-01-04 09:00"]),
        ("FREQ=DAILY;UNTIL=20270105T080000Z", ["2027-01-04 09:00", "2027-01-05 09:00"]),
        ("FREQ=DAILY;UNTIL=20270105T075959Z", ["2027-01-04 09:00"]),
    ],
)  # fmt: skip
def test_rules_mean_what_the_standard_says(text: str, expected: list[str]) -> None:
    is_ending = "COUNT" in text or "UNTIL" in text
    assert walls(schedule(text), len(expected) + is_ending) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must be parts like"),
        ("every monday", "must be parts like"),
        ("FREQ=WEEKLY;", "must be parts like"),
        ("BYDAY=MO", "must begin with how often"),
        ("FREQ=MINUTELY", "too often: the shortest interval is an hour"),
        ("FREQ=SECONDLY", "too often"),
        ("FREQ=HOURLY;BYMINUTE=0,30", "too often"),
        ("FREQ=FORTNIGHTLY", "must have a FREQ of HOURLY"),
        ("FREQ=DAILY;BYSECOND=1", "BYSECOND, which is not supported"),
        ("FREQ=YEARLY;BYWEEKNO=3", "BYWEEKNO, which is not supported"),
        ("FREQ=DAILY;COLOUR=RED", "COLOUR, which a rule doesn't have"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ twice"),
        ("FREQ=DAILY;INTERVAL=0", "wrong INTERVAL"),
        ("FREQ=DAILY;INTERVAL=٣", "wrong INTERVAL"),
        ("FREQ=DAILY;COUNT=1001", "wrong COUNT"),
        ("FREQ=DAILY;COUNT=99999999999999999999", "wrong COUNT"),
        ("FREQ=DAILY;BYHOUR=24", "wrong BYHOUR"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "wrong BYMONTHDAY"),
        ("FREQ=WEEKLY;BYDAY=XX", "wrong BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0MO", "wrong BYDAY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "only MONTHLY and YEARLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "WEEKLY can't have"),
        ("FREQ=HOURLY;BYMONTH=1", "HOURLY can't have"),
        ("FREQ=DAILY;BYSETPOS=1", "only MONTHLY and YEARLY"),
        ("FREQ=WEEKLY;WKST=XX", "wrong WKST"),
        ("FREQ=DAILY;UNTIL=tomorrow", "wrong UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "wrong UNTIL"),
        ("FREQ=DAILY;UNTIL=00010101T000000", "wrong UNTIL"),
        ("FREQ=DAILY;UNTIL=99991231", "wrong UNTIL"),
        ("FREQ=DAILY;UNTIL=20270101;COUNT=3", "both COUNT and UNTIL"),
        ("FREQ=DAILY;BYHOUR=" + ",".join(["9"] * 300), "at most 500 characters"),
    ],
)
def test_a_rule_that_will_not_do_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(RuleInvalid, match=reason):
        recurrence_rule.parse(text)


@given(st.text(max_size=60) | st.builds(lambda text, more: f"{text};{more}", rules(), st.text(max_size=30)))
@settings(deadline=None)
def test_whatever_somebody_writes_is_a_rule_or_refused(text: str) -> None:
    with contextlib.suppress(RuleInvalid):
        rule = recurrence_rule.parse(text)
        recurrence.after(Schedule(rule, datetime.fromisoformat("2027-01-04"), "Asia/Kolkata"), datetime.now(tz=UTC))


def test_a_turn_names_the_latest_and_counts_those_before_it() -> None:
    planned = schedule("FREQ=DAILY;COUNT=5", zone="UTC")
    since = datetime(2027, 1, 4, 9, tzinfo=UTC)
    due = recurrence.turn(planned, since=since, now=since + timedelta(days=2, hours=1))
    assert (due.latest, due.earlier_count, due.latest_earlier) == (
        since + timedelta(days=2),
        2,
        since + timedelta(days=1),
    )
    assert due.following == since + timedelta(days=3)
    assert recurrence.turn(planned, since=since, now=since - timedelta(seconds=1)).latest is None
    last = recurrence.turn(planned, since=since + timedelta(days=4), now=since + timedelta(days=40))
    assert (last.latest, last.earlier_count, last.following) == (since + timedelta(days=4), 0, None)


STARTS = st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2028-12-31")).map(
    lambda at: at.replace(microsecond=0)
)


@settings(deadline=None)
@given(rules(), STARTS, st.sampled_from(ZONES), st.timedeltas(timedelta(0), timedelta(days=900)))
def test_occurrences_rise_and_are_the_same_from_wherever_one_looks(
    text: str, starts_at: datetime, zone: str, later: timedelta
) -> None:
    planned = Schedule(recurrence_rule.parse(text), starts_at, zone)
    origin = window.instant_of(starts_at, zone)
    found = list(islice(recurrence.occurrences(planned, since=origin - timedelta(days=3)), 400))
    assert all(one < other for one, other in pairwise(found))
    assert all(at >= origin for at in found)
    since = origin + later
    assume(found and found[-1] > since)
    assert recurrence.upcoming(planned, since=since, count=3) == [at for at in found if at >= since][:3] or (
        len([at for at in found if at >= since]) < 3
    )
    for at in found[:50]:
        assert recurrence.after(planned, at - timedelta(microseconds=1)) == at


@settings(deadline=None)
@given(rules(), STARTS, st.sampled_from(ZONES))
def test_the_clocks_show_the_hour_that_was_asked_for_unless_they_leapt_over_it(
    text: str, starts_at: datetime, zone: str
) -> None:
    planned = Schedule(recurrence_rule.parse(text), starts_at, zone)
    for at in recurrence.upcoming(planned, since=datetime(2024, 1, 1, tzinfo=UTC), count=100):
        wall = recurrence.wall_of(at, planned.timezone)
        leapt = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).utcoffset() != at.astimezone(
            ZoneInfo(zone)
        ).utcoffset()
        if not leapt:
            assert not planned.rule.hours or wall.hour in planned.rule.hours
            assert wall.minute == (starts_at.minute if planned.rule.minute is None else planned.rule.minute)
            assert at.astimezone(ZoneInfo(zone)).fold == 0


@settings(deadline=None)
@given(rules(), STARTS)
def test_the_days_are_those_that_another_implementation_finds(text: str, starts_at: datetime) -> None:
    planned = Schedule(recurrence_rule.parse(text), starts_at, "UTC")
    origin = starts_at.replace(tzinfo=UTC)
    found = recurrence.upcoming(planned, since=origin, count=30)
    assume(len(found) == 30)  # so that the other one, which searches for ever, comes to an end
    if planned.rule.minute is None:
        text += f";BYMINUTE={starts_at.minute};BYSECOND={starts_at.second}"
    other = oracle.rrulestr(text + ("" if "BYSECOND" in text else ";BYSECOND=0"), dtstart=starts_at)
    assert [at.replace(tzinfo=None) for at in found] == list(islice(other, 30))
