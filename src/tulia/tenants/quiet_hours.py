"""Quiet hours: the part of the day in which nobody is written to, as wall-clock times (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class QuietHoursInvalid(ValueError):
    """Quiet hours that can't be read; the message fits behind the field's name."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until `end`, over midnight when `end` is the earlier; never all day."""

    start: time
    end: time

    def to_json(self) -> dict[str, str]:
        return {"start": f"{self.start:%H:%M}", "end": f"{self.end:%H:%M}"}

    def contains(self, clock: time) -> bool:
        """Whether it is quiet at this wall-clock time; the end is not quiet any more."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


def read(value: object) -> QuietHours | None:
    """`{"start": "22:00", "end": "08:00"}`, or null for none. Raises QuietHoursInvalid."""
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"start", "end"}:
        raise QuietHoursInvalid('must be like {"start": "22:00", "end": "08:00"}, or null for none')
    start, end = (_read_clock(value[name], name) for name in ("start", "end"))
    if start == end:
        raise QuietHoursInvalid("must not begin and end at the same time; give null for none")
    return QuietHours(start, end)


def of_columns(start: time | None, end: time | None) -> QuietHours | None:
    """From a row's two columns, which are null together."""
    return None if start is None or end is None else QuietHours(start, end)


def _read_clock(value: object, name: str) -> time:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise QuietHoursInvalid(f'must have a {name} like "22:00", from 00:00 to 23:59')
    return time(int(found[1]), int(found[2]))
