"""Facts of an orderly little run, to be spoiled: a check that can't fail is worth nothing."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from tulia_torture.facts import (
    DELIVERED,
    HOLDOUT,
    READ,
    UNKNOWN,
    Act,
    Asked,
    Campaign,
    ClockSet,
    Facts,
    Message,
    Row,
    Told,
)
from tulia_torture.scene import DAWN, DAY, MARKETING_MICROS, Shop

CAMPAIGN = str(uuid.UUID(int=1))
MIDNIGHT = 1_800_000_000.0 // 86_400 * 86_400
NOON = MIDNIGHT + 43_200
SHOP = Shop("all", 1, rate=3, people=6, kinds=("plain",), has_night=True, cap=1, messages_a_day=6, people_a_day=6)


def reference(person: int) -> str:
    return f"t1:{CAMPAIGN}:{person}"


def phone(person: int) -> str:
    return f"2547{person:08d}"


def message(person: int, at: float, *, state: str = "delivered") -> Message:
    return Message(at, SHOP.number_id, phone(person), reference(person), state, None, f"wamid.{person}")


def asked(taken: Message, came_at: float) -> Asked:
    """The request that brought a message, which came at this moment and was taken when the message says."""
    return Asked(taken.at, taken.number_id, taken.to, taken.reference, 200, True, "", came_at)


def row(person: int, *, state: int = DELIVERED, role: int = 0, zone: str = DAY, reason: str = "") -> Row:
    was_accepted = state >= 20
    return Row(
        person, CAMPAIGN, f"customer-{person}", f"+{phone(person)}", zone, state, role, reason, 1, 0, was_accepted
    )


def report(**lines: int) -> dict[str, Any]:
    names = ("holdout", "skipped", "cancelled", "waiting", "deferred", "sending", "unknown", "failed", "sent")
    sheet = {name: lines.get(name, 0) for name in names}
    return {"balance": sheet | {"audience": sum(sheet.values())}, "delivery": {"delivery_count": lines.get("sent", 0)}}


def orderly() -> Facts:
    """Six people: 1 to 4 got it (1 sleeps at noon and got it at midnight), 5 is held out, 6 stays unknown."""
    return Facts(
        shops=(SHOP,),
        quiet_from=21_600.0,
        quiet_seconds=43_200.0,  # it is quiet from six to eighteen o'clock
        messages=(
            message(1, MIDNIGHT),
            message(2, NOON, state="read"),
            message(3, NOON + 0.5),
            message(4, NOON + 1.6),
        ),
        asked=(Asked(NOON, SHOP.number_id, phone(6), reference(6), 502, False, "http 502", NOON),),
        told=(Told(NOON + 5, SHOP.number_id, "k", phone(2), "STOP"),),
        rows=(
            row(1, zone=DAWN),
            row(2, state=READ),
            row(3),
            row(4),
            row(5, state=HOLDOUT, role=2),
            row(6, state=UNKNOWN, reason="no_answer"),
        ),
        campaigns=(
            Campaign(
                CAMPAIGN, "all", "plain", 6, MARKETING_MICROS, 4 * MARKETING_MICROS, "completed", "",
                report(sent=4, holdout=1, unknown=1), frozenset({"customer-6"}),
            ),
        ),
        acts=(Act(CAMPAIGN, "execute", MIDNIGHT - 1, MIDNIGHT - 0.9, 202),),
        clocks=(ClockSet(MIDNIGHT - 100, "worker-1", 0.0), ClockSet(MIDNIGHT - 100, "worker-2", 0.0)),
        recounted=1,
        forged=(401,),
        credits=(("order-1", 1), ("order-2", 0)),
    )  # fmt: skip


def spoiled(**fields: Any) -> Facts:
    """The orderly facts with something else in the place of these fields; a tuple may be given as what is added."""
    return dataclasses.replace(orderly(), **fields)


def with_messages(*more: Message) -> Facts:
    return spoiled(messages=tuple(sorted((*orderly().messages, *more))))


def with_row(changed: Row) -> Facts:
    return spoiled(rows=tuple(changed if one.id == changed.id else one for one in orderly().rows))


def with_campaign(**fields: Any) -> Facts:
    return spoiled(campaigns=(dataclasses.replace(orderly().campaigns[0], **fields),))
