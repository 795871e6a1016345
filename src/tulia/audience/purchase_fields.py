"""Reading the fields of orders, bookings and messages, whoever sends them; like `customer_fields`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache

from tulia.audience.customer_fields import Wrong, check_storable

ORDER_STATUSES = ("draft", "pending", "paid", "fulfilled", "completed", "canceled", "refunded")
BOOKING_STATUSES = ("pending", "confirmed", "completed", "canceled", "no_show")
CONVERSATION_STATUSES = ("open", "bot", "handoff", "closed", "dormant")
DIRECTIONS = ("inbound", "outbound")
MAX_TEXT_LENGTH = 65_536

_MONEY = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII | re.IGNORECASE,
)
_SPELLINGS = {"cancelled": "canceled", "no-show": "no_show", "no show": "no_show"}


@lru_cache(maxsize=4_096)
def _instant_of_text(text: str, zone: tzinfo) -> datetime:
    try:
        if _DATE.fullmatch(text):
            found = datetime.combine(date.fromisoformat(text), time(), zone)
        elif _INSTANT.fullmatch(text):
            found = datetime.fromisoformat(text.upper())
        else:
            found = None
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year < 9999:
        raise Wrong("must be a date, or an instant with its offset, like 2026-05-04T09:30:00Z")
    return found


def read_instant(value: object, *, zone: tzinfo) -> datetime:
    """RFC 3339; a date alone is its midnight in `zone`. A time without an offset is refused, for it could be any."""
    if not isinstance(value, str):
        raise Wrong("must be a text like 2026-05-04T09:30:00Z")
    return _instant_of_text(value.strip(), zone)


def read_total(value: object) -> int:
    """Money as millionths: a decimal text or a number, not negative, with six decimals at most."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = format(Decimal(repr(value)), "f")
    matched = _MONEY.fullmatch(value.strip()) if isinstance(value, str) else None
    if matched is None:
        raise Wrong("must be an amount like 1250.00, not negative, without signs and thousands separators")
    whole, fraction = matched.groups()
    return int(whole) * 1_000_000 + (int(fraction.ljust(6, "0")) if fraction else 0)


def read_currency(value: object) -> str:
    """ISO 4217; empty when it isn't said."""
    text = value.strip().upper() if isinstance(value, str) else None
    if text is None or (text and not (len(text) == 3 and text.isascii() and text.isalpha())):
        raise Wrong("must be a code of three letters, like KES")
    return text


def read_order_status(value: object) -> str:
    return _word(value, ORDER_STATUSES)


def read_booking_status(value: object) -> str:
    return _word(value, BOOKING_STATUSES)


def read_conversation_status(value: object) -> str:
    return _word(value, CONVERSATION_STATUSES)


def read_direction(value: object) -> str:
    return _word(value, DIRECTIONS)


def read_message_text(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a text")
    if len(value) > MAX_TEXT_LENGTH:
        raise Wrong(f"must have {MAX_TEXT_LENGTH:,} characters at most")
    check_storable(value)
    return value


def _word(value: object, known: tuple[str, ...]) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    text = _SPELLINGS.get(text, text)
    if text not in known:
        raise Wrong(f"must be one of {', '.join(known)}")
    return text


def in_words(wrong: Mapping[str, str]) -> str:
    """`field what, field what`: one line for a list of faults."""
    return "; ".join(f"{field} {what}" for field, what in wrong.items())
