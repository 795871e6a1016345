"""When a campaign goes out, as it is chosen on the review: now, or at a time on the workplace's clock (pure)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tulia.campaigns import window

_SUGGESTED = time(10)
_LAST_YEAR = 2_100


class WhenInvalid(ValueError):
    """A time that won't do; `field` is the form's."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class WhenForm:
    """As it was typed. `is_local`: at that time on each person's own clock."""

    is_later: bool = False
    date: str = ""
    time: str = ""
    is_local: bool = False

    @property
    def local_time(self) -> bool:
        return self.is_later and self.is_local

    def instant(self, zone: str, *, now: datetime) -> datetime:
        """The chosen time in UTC. Raises WhenInvalid."""
        try:
            day = date.fromisoformat(self.date)
        except ValueError:
            raise WhenInvalid("date", "Choose a day.") from None
        try:
            clock = time.fromisoformat(self.time)
        except ValueError:
            raise WhenInvalid("time", "Choose a time.") from None
        if day.year > _LAST_YEAR:
            raise WhenInvalid("date", "Choose a day that is not so far away.")
        if day.year < now.year:
            raise WhenInvalid("date", "Choose a day in the future.")
        at = window.instant_of(datetime.combine(day, clock.replace(tzinfo=None)), zone)
        if at <= now:
            shown = now.astimezone(ZoneInfo(zone))
            raise WhenInvalid(
                "time", f"Choose a time in the future. It is {shown:%H:%M} on {shown.day} {shown:%B} now."
            )
        return at


def suggested(zone: str, *, now: datetime, is_local: bool) -> WhenForm:
    """Now, and tomorrow morning for whoever prefers a time; everybody's own clock can only mean a time."""
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return WhenForm(is_later=is_local, date=tomorrow.isoformat(), time=f"{_SUGGESTED:%H:%M}", is_local=is_local)


def at(moment: datetime, zone: str, *, is_local: bool) -> WhenForm:
    """A time that is chosen already."""
    local = moment.astimezone(ZoneInfo(zone))
    return WhenForm(is_later=True, date=local.date().isoformat(), time=f"{local:%H:%M}", is_local=is_local)


def of_post(text: Callable[[str], str]) -> WhenForm:
    """The time that was sent; `text` gives a field of the form."""
    return WhenForm(
        is_later=text("when") == "later",
        date=text("date").strip()[:10],
        time=text("time").strip()[:8],
        is_local=text("local_time") == "yes",
    )


def rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
