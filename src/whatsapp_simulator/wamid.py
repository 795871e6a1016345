"""Message ids in the layout of the platform's own: ``wamid.`` and base64 of a small framed record.

Outbound: ``1C 18 <len> <phone> 15 02 00 11 18 12 <18 upper-case hex digits> 00``; inbound carries ``12 18 14`` and
20 digits instead.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

_HEAD = b"\x1c\x18"
_OUTBOUND = b"\x15\x02\x00\x11\x18\x12"
_INBOUND = b"\x15\x02\x00\x12\x18\x14"
OUTBOUND_BYTES = 9
INBOUND_BYTES = 10


@dataclass(frozen=True, slots=True)
class Wamid:
    """What a message id says: the person's `phone` (or user id), its `direction`, and its own hex digits."""

    phone: str
    inbound: bool
    digits: str


def mint_outbound(person: str, tail: bytes) -> str:
    """The id of a message to `person`; `tail` is 9 bytes."""
    return _mint(person, _OUTBOUND, tail)


def mint_inbound(person: str, tail: bytes) -> str:
    """The id of a message from `person`; `tail` is 10 bytes."""
    return _mint(person, _INBOUND, tail)


def _mint(person: str, frame: bytes, tail: bytes) -> str:
    who = person.encode()
    record = _HEAD + bytes((len(who),)) + who + frame + tail.hex().upper().encode() + b"\x00"
    return "wamid." + base64.b64encode(record).decode()


def read(wamid: str) -> Wamid:
    """Take an id apart; ValueError when it is not one."""
    if not wamid.startswith("wamid."):
        raise ValueError(f"not a message id: {wamid!r}")
    record = base64.b64decode(wamid[6:], validate=True)
    if record[:2] != _HEAD or len(record) < 4:
        raise ValueError(f"not a message id: {wamid!r}")
    end = 3 + record[2]
    frame, tail = record[end : end + 6], record[end + 6 :]
    for inbound, expected, size in ((False, _OUTBOUND, 18), (True, _INBOUND, 20)):
        if frame == expected and len(tail) == size + 1 and tail[-1] == 0:
            return Wamid(record[3:end].decode(), inbound, tail[:-1].decode())
    raise ValueError(f"not a message id: {wamid!r}")
