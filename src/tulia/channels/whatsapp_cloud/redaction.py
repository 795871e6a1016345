"""Taking one person out of a stored callback: what names them goes, what is said of others stays (pure)."""

from __future__ import annotations

import base64
from typing import Any

import orjson

_LISTS = ("statuses", "messages", "contacts", "user_preferences")
_AFTER_PHONE = b"\x15\x02\x00"


def marks_of(phone: str) -> tuple[str, ...]:
    """The texts by which a person (E.164) is known in a callback: the digits, and what they are inside message ids.

    A message id is base64 of three bytes, the digits and a fixed frame (decoded from ids of Meta's pages and of real
    accounts, September 2026), so the digits always come out as the same letters.
    """
    digits = phone.removeprefix("+").encode()
    whole = digits + _AFTER_PHONE[: -len(digits) % 3]
    return digits.decode(), base64.b64encode(whole).decode()


def marks_in(message_id: str) -> tuple[str, ...]:
    """The marks of whom a message went to; none when its id doesn't tell."""
    try:
        record = base64.b64decode(message_id.removeprefix("wamid."), validate=True)
    except ValueError:
        return ()
    digits = record[3 : 3 + record[2]] if len(record) > 3 else b""
    return marks_of(digits.decode()) if digits.isdigit() and 7 <= len(digits) <= 15 else ()


def without(raw: bytes, marks: tuple[str, ...]) -> bytes:
    """The callback without the updates that hold one of these texts. Whatever is left of them is blotted out."""
    try:
        callback = orjson.loads(raw)
        for value in _values(callback):
            for name in _LISTS:
                if isinstance(value.get(name), list):
                    value[name] = [one for one in value[name] if not _has(orjson.dumps(one), marks)]
        raw = orjson.dumps(callback)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        pass  # nothing was applied from it, and nothing will be
    for mark in marks:
        raw = raw.replace(mark.encode(), b"0" * len(mark))
    return raw


def _values(callback: Any) -> list[dict[str, Any]]:
    entries = callback.get("entry") if isinstance(callback, dict) else None
    changes = [
        change
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("changes"), list)
        for change in entry["changes"]
    ]
    values = [change.get("value") for change in changes if isinstance(change, dict)]
    return [value for value in values if isinstance(value, dict)]


def _has(said: bytes, marks: tuple[str, ...]) -> bool:
    return any(mark.encode() in said for mark in marks)
