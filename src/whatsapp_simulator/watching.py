"""Keeping each request to send and each acknowledgement, one by one, for whoever compares afterwards.

Off unless `watch` is set: it costs about 200 bytes for each request. Times are epoch seconds of this process's clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from whatsapp_simulator.callbacks import Update
from whatsapp_simulator.exchange import Reply
from whatsapp_simulator.faults import Effect

_BY_PEOPLE = ("messages", "user_preferences")


class Asked(NamedTuple):
    """One request to send. `doubt` says why the business may not know what became of it; empty when it was told.

    `at` is when it was dealt with, `came_at` when its bytes were in our socket: much earlier when this process, or the
    whole machine, was busy.
    """

    at: float
    phone_number_id: str
    to: str
    opaque: str
    status: int
    is_accepted: bool
    doubt: str
    came_at: float


class Told(NamedTuple):
    """Something a person said, and when the business acknowledged (200) that it had heard it, for the first time."""

    at: float
    phone_number_id: str
    key: str
    person: str
    text: str


class Watching:
    """What was seen so far."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._told: dict[str, Told] = {}

    def refused(self, number_id: str) -> None:
        """A connection was closed before its request was read: nobody knows whom it was about."""
        now = time.time()
        self.asked.append(Asked(now, number_id, "", "", 0, is_accepted=False, doubt="refused", came_at=now))

    def as_json(self) -> dict[str, Any]:
        """Rows of values, in the order of the columns that are named beside them."""
        return {
            "asked": {"columns": Asked._fields, "rows": [list(one) for one in self.asked]},
            "told": {"columns": Told._fields, "rows": [list(one) for one in self._told.values()]},
        }

    def acknowledged(self, number_id: str, updates: Iterable[Update], at: float) -> None:
        """These updates were answered 200 at this moment; a repeat changes nothing."""
        for update in updates:
            if update.lot in _BY_PEOPLE and update.key not in self._told:
                person, text = _said(update)
                self._told[update.key] = Told(at, number_id, update.key, person, text)


def _said(update: Update) -> tuple[str, str]:
    item = update.item
    if update.lot == "user_preferences":
        return str(item.get("wa_id", "")), f"preference: {item.get('value')}"
    if "text" in item:
        return str(item.get("from", "")), str(item["text"].get("body", ""))
    pressed = item.get("button") or item.get("interactive", {}).get("button_reply", {})
    return str(item.get("from", "")), f"button: {pressed.get('payload') or pressed.get('id')}"


def doubt_about(reply: Reply, effect: Effect) -> str:
    """Why the business can't know by this answer what became of its message; empty when it can."""
    if reply.ending in ("hang", "reset"):
        return reply.ending
    if effect.accept_then:
        return effect.accept_then
    if effect.trickle or effect.delay_ms:
        return "slow"
    return f"http {reply.status}" if effect.http >= 500 and effect.http != 503 else ""
