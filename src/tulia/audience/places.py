"""Where a phone number is, as far as its calling code tells: one time zone for each code that has only one (pure)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.tzdata import TIMEZONE_DATA

_SAMPLES = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13))


@functools.cache
def zones_of_calling_codes() -> Mapping[str, str]:
    """The IANA time zone of each calling code (digits, without plus) whose clocks all agree, all year round.

    +254 is Africa/Nairobi and +44 Europe/London; +1, +7 and +61 span several hours and are not in it.
    """
    found: dict[str, str] = {}
    for number in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        zones = TIMEZONE_DATA.get(str(number), ())
        clocks = {tuple(at.astimezone(ZoneInfo(zone)).utcoffset() for at in _SAMPLES) for zone in zones}
        if len(clocks) == 1:
            found[str(number)] = zones[-1]
    return found
