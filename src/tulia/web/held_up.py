"""What keeps a campaign's messages from going out at the moment, in words for people, with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tulia.page_service import HeldUp

_NO_NEED = "You needn't do anything: it is tried again by itself."
_TO_DO = {
    "draft": "Put that right first. You can launch all the same: the first message tries whether it works, and if it "
    "doesn't, the campaign pauses and nobody loses their turn.",
    "scheduled": "Put that right before it starts: its first message tries whether it works, and if it doesn't, the "
    "campaign pauses and nobody loses their turn.",
    "sending": "It is being tried whether it works again.",
    "paused": "Put that right, then resume the campaign: its first message tries whether it works.",
}
_TO_DO_FOR_TEMPLATE = {
    "draft": "Choose another template, or wait until WhatsApp approves it.",
    "scheduled": "It can't start with it: cancel it and choose another template, unless WhatsApp approves it in time.",
    "paused": "Resume the campaign when WhatsApp has approved it again, or copy the campaign with another template.",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that holds messages up."""

    said: str
    why: str
    to_do: str
    since: datetime | None


def notices(held: Sequence[HeldUp], *, status: str) -> list[Notice]:
    """A notice for each, for a campaign in this state."""
    return [Notice(_said(one), one.why, _to_do(one, status), one.since) for one in held]


def token(held: Sequence[HeldUp], *, status: str) -> str:
    """Changes when a page that shows this campaign and these notices has to be drawn anew."""
    return " ".join([status, *(f"{one.what}{'' if one.mends_itself else '!'}" for one in held)])


def _said(one: HeldUp) -> str:
    if one.what == "template":
        return f"The template {one.name} can't be sent at the moment."
    if one.is_being_tried:
        return f"Messages from {one.name} go out one at a time at the moment."
    if one.what == "account":
        return f"Nothing goes out at the moment from {one.name} or any other number of its WhatsApp account."
    return f"Nothing goes out from {one.name} at the moment."


def _to_do(one: HeldUp, status: str) -> str:
    if one.what == "template":
        return _TO_DO_FOR_TEMPLATE.get(status, "")
    if one.mends_itself:
        can_launch = " You can launch all the same: messages go out as soon as it works again."
        return _NO_NEED + (can_launch if status == "draft" else "")
    return _TO_DO.get(status, "")
