"""How often: the text of a recurrence rule (RFC 5545, section 3.3.10) read strictly, and the days it means (pure).

A subset that a campaign can use: FREQ from HOURLY to YEARLY with INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY,
BYDAY, BYHOUR, BYMINUTE and BYSETPOS. What is left out is refused by name.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

TEXT_LIMIT = 500
MAX_INTERVAL, MAX_COUNT = 1_000, 1_000
FIRST_YEAR, LAST_YEAR = 1_970, 2_200
FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_TOO_OFTEN = ("SECONDLY", "MINUTELY")
_UNSUPPORTED = ("BYSECOND", "BYYEARDAY", "BYWEEKNO", "BYEASTER", "RSCALE", "SKIP")
_ORDINAL_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_WHOLE = re.compile(r"[+-]?[0-9]{1,6}")
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")


class RuleInvalid(Exception):
    """A rule that won't do, in words that fit behind the field's name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in its parts; an empty tuple is a part that wasn't given.

    `weekdays` are (ordinal, weekday from Monday = 0), the ordinal 0 for every such day. `until` is a day (inclusive),
    a wall time, or an instant in UTC.
    """

    text: str
    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    week_starts_on: int = 0
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[tuple[int, int], ...] = ()
    hours: tuple[int, ...] = ()
    minute: int | None = None
    positions: tuple[int, ...] = ()

    @property
    def is_often_a_day(self) -> bool:
        """Whether a day may have more than one occurrence, so that the date alone doesn't name one."""
        return self.frequency == "HOURLY" or len(self.hours) > 1


def parse(text: str) -> Rule:
    """The rule that this text means. Raises RuleInvalid."""
    if len(text) > TEXT_LIMIT:
        raise RuleInvalid(f"must have at most {TEXT_LIMIT} characters; it has {len(text):,}")
    canonical = text.strip().upper().removeprefix("RRULE:")
    parts = _parts(canonical)
    rule = Rule(
        text=canonical,
        frequency=_frequency(parts.pop("FREQ", "")),
        interval=_one(parts, "INTERVAL", 1, MAX_INTERVAL) or 1,
        count=_one(parts, "COUNT", 1, MAX_COUNT),
        until=_until(parts.pop("UNTIL", None)),
        week_starts_on=_week_start(parts.pop("WKST", "MO")),
        months=_several(parts, "BYMONTH", 1, 12),
        month_days=_several(parts, "BYMONTHDAY", -31, 31),
        weekdays=_weekdays(parts.pop("BYDAY", None)),
        hours=_several(parts, "BYHOUR", 0, 23),
        minute=_one(parts, "BYMINUTE", 0, 59),
        positions=_several(parts, "BYSETPOS", -366, 366),
    )
    for unknown in parts:
        raise RuleInvalid(f"has the part {unknown[:20]}, which a rule doesn't have")
    _check_together(rule)
    return rule


def _parts(canonical: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in canonical.split(";"):
        name, equals, value = piece.partition("=")
        if not equals or not value or not name.isascii():
            raise RuleInvalid("must be parts like FREQ=WEEKLY;BYDAY=MO;BYHOUR=9, with ; between them")
        if name in _UNSUPPORTED:
            raise RuleInvalid(f"has the part {name}, which is not supported")
        if name in parts:
            raise RuleInvalid(f"has the part {name[:20]} twice")
        parts[name] = value
    return parts


def _frequency(value: str) -> str:
    if not value:
        raise RuleInvalid("must begin with how often, like FREQ=WEEKLY")
    if value in _TOO_OFTEN:
        raise RuleInvalid(f"has FREQ={value}, which is too often: the shortest interval is an hour")
    if value not in FREQUENCIES:
        raise RuleInvalid(f"must have a FREQ of {', '.join(FREQUENCIES)}")
    return value


def _whole(name: str, text: str, least: int, most: int) -> int:
    if (
        not _WHOLE.fullmatch(text)
        or not text.isascii()
        or not least <= int(text) <= most
        or (least < 0 and not int(text))
    ):
        but_zero = " and not 0" if least < 0 else ""
        raise RuleInvalid(f"has a wrong {name}: {text[:20]!r} must be a whole number from {least} to {most}{but_zero}")
    return int(text)


def _one(parts: dict[str, str], name: str, least: int, most: int) -> int | None:
    text = parts.pop(name, None)
    if text is None:
        return None
    if "," in text and name == "BYMINUTE":
        raise RuleInvalid("has several minutes in BYMINUTE, which is too often: the shortest interval is an hour")
    return _whole(name, text, least, most)


def _several(parts: dict[str, str], name: str, least: int, most: int) -> tuple[int, ...]:
    text = parts.pop(name, None)
    return tuple(sorted({_whole(name, one, least, most) for one in text.split(",")})) if text is not None else ()


def _weekdays(text: str | None) -> tuple[tuple[int, int], ...]:
    found = set()
    for one in text.split(",") if text is not None else ():
        match = _ORDINAL_DAY.fullmatch(one)
        ordinal = int(match[1] or 0) if match else 0
        if match is None or not one.isascii() or abs(ordinal) > 53 or (match[1] and not ordinal):
            raise RuleInvalid(
                f"has a wrong BYDAY: {one[:20]!r} must be a day like MO, or one of a month like 1MO or -1FR"
            )
        found.add((ordinal, _WEEKDAYS.index(match[2])))
    return tuple(sorted(found))


def _week_start(text: str) -> int:
    if text not in _WEEKDAYS:
        raise RuleInvalid(f"has a wrong WKST: must be one of {', '.join(_WEEKDAYS)}")
    return _WEEKDAYS.index(text)


def _until(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    try:
        if not _UNTIL.fullmatch(text) or not text.isascii():
            raise ValueError
        found = datetime.fromisoformat(text[:15])
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        raise RuleInvalid("has a wrong UNTIL: must be like 20261231, 20261231T090000 or 20261231T060000Z") from None
    if len(text) == 8:
        return found.date()
    return found.replace(tzinfo=UTC) if text.endswith("Z") else found


def _check_together(rule: Rule) -> None:
    if rule.count is not None and rule.until is not None:
        raise RuleInvalid("has both COUNT and UNTIL; only one of them may say the end")
    by_month_or_year = rule.frequency in ("MONTHLY", "YEARLY")
    if any(ordinal for ordinal, _ in rule.weekdays) and not by_month_or_year:
        raise RuleInvalid("has a numbered BYDAY like 1MO, which only MONTHLY and YEARLY can have")
    if rule.positions and not (by_month_or_year and (rule.weekdays or rule.month_days)):
        raise RuleInvalid("has BYSETPOS, which only MONTHLY and YEARLY with BYDAY or BYMONTHDAY can have")
    if rule.month_days and rule.frequency in ("WEEKLY", "HOURLY"):
        raise RuleInvalid(f"has BYMONTHDAY, which {rule.frequency} can't have")
    if rule.months and rule.frequency == "HOURLY":
        raise RuleInvalid("has BYMONTH, which HOURLY can't have")


def periods(rule: Rule, *, starts_at: datetime, since: datetime) -> Iterator[list[datetime]]:
    """The wall times of each of the rule's periods (every second week, say), from about `since` to the last year.

    None of them is before `starts_at`, which also says what the rule leaves open: the day, the hour, the minute.
    """
    if rule.frequency == "HOURLY":
        yield from _hours(rule, starts_at=starts_at, since=since)
        return
    months, month_days, weekdays = _completed(rule, starts_at)
    is_of_year = rule.frequency == "YEARLY" and not rule.months
    time = starts_at if rule.minute is None else starts_at.replace(minute=rule.minute, second=0)
    hours = rule.hours or (starts_at.hour,)
    for first, length in _spans(rule, starts_at=starts_at, since=since):
        found = [
            time.replace(year=day.year, month=day.month, day=day.day, hour=hour)
            for day in (first + timedelta(days=offset) for offset in range(length))
            if (not months or day.month in months)
            and (not month_days or day.day in month_days or day.day - _length(day) - 1 in month_days)
            and (not weekdays or _is_one_of(day, weekdays, is_of_year=is_of_year))
            for hour in hours
        ]
        if rule.positions:
            chosen = {position - 1 if position > 0 else len(found) + position for position in rule.positions}
            found = [one for index, one in enumerate(found) if index in chosen]
        yield [one for one in found if one >= starts_at]


def _completed(rule: Rule, starts_at: datetime) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Months, month days and weekdays; the days that the rule leaves open are those of its start."""
    if rule.month_days or rule.weekdays or rule.frequency == "DAILY":
        return rule.months, rule.month_days, rule.weekdays
    if rule.frequency == "WEEKLY":
        return rule.months, (), ((0, starts_at.weekday()),)
    if rule.frequency == "YEARLY" and not rule.months:
        return (starts_at.month,), (starts_at.day,), ()
    return rule.months, (starts_at.day,), ()


def _hours(rule: Rule, *, starts_at: datetime, since: datetime) -> Iterator[list[datetime]]:
    step = timedelta(hours=rule.interval)
    first = starts_at if rule.minute is None else starts_at.replace(minute=rule.minute, second=0)
    now = first + step * max(0, (since - first) // step)
    while now.year <= LAST_YEAR:
        is_meant = (not rule.hours or now.hour in rule.hours) and (
            not rule.weekdays or (0, now.weekday()) in rule.weekdays
        )
        yield [now] if is_meant and now >= starts_at else []
        now += step


def _spans(rule: Rule, *, starts_at: datetime, since: datetime) -> Iterator[tuple[date, int]]:
    """First day and number of days of each period."""
    start, then = starts_at.date(), max(since, starts_at).date()
    if rule.frequency in ("DAILY", "WEEKLY"):
        length = 7 if rule.frequency == "WEEKLY" else 1
        first = start - timedelta(days=(start.weekday() - rule.week_starts_on) % 7 if length == 7 else 0)
        step = timedelta(days=length * rule.interval)
        first += step * ((then - first) // step)
        while first.year <= LAST_YEAR:
            yield first, length
            first += step
    elif rule.frequency == "MONTHLY":
        origin = start.year * 12 + start.month - 1
        index = origin + (then.year * 12 + then.month - 1 - origin) // rule.interval * rule.interval
        while index // 12 <= LAST_YEAR:
            day = date(index // 12, index % 12 + 1, 1)
            yield day, _length(day)
            index += rule.interval
    else:
        year = start.year + (then.year - start.year) // rule.interval * rule.interval
        while year <= LAST_YEAR:
            yield date(year, 1, 1), 366 if calendar.isleap(year) else 365
            year += rule.interval


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _is_one_of(day: date, weekdays: tuple[tuple[int, int], ...], *, is_of_year: bool) -> bool:
    index, last = (
        (day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365) if is_of_year else (day.day, _length(day))
    )
    from_start, from_end = (index - 1) // 7 + 1, -((last - index) // 7 + 1)
    weekday = day.weekday()
    return any(wanted == weekday and ordinal in (0, from_start, from_end) for ordinal, wanted in weekdays)
