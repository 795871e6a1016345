"""Links that tell who followed them: an address of ours for each person, which leads on to the real one (pure).

A message asks for one with `{{ "https://shop.example/sale" | track }}`. The address carries the person's place in the
ledger and the link's number in the message, signed; where it leads is looked up in the campaign, so that it can lead
nowhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

PATH = "/l/"
KEY_PURPOSE = "links of messages"
"""What the key that signs links is derived for (core.crypto)."""
MOST_LINKS = 20
_TRACKED = re.compile(r"""(?P<quote>["'])(?P<address>https?://[^"'\s{}|]{1,2000})(?P=quote)\s*\|\s*track\b""")
_PLACE = struct.Struct(">16sqB")
_SIGNATURE_BYTES = 7
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Follow:
    """Whose link was followed: the person's place in the ledger, and the link's number in their message."""

    tenant_id: UUID
    recipient_id: int
    number: int


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """Makes the links of one person's message; `addresses` are those the message's text names, in order."""

    public_url: str
    key: bytes
    tenant_id: UUID
    recipient_id: int
    addresses: tuple[str, ...]

    def link_to(self, address: str) -> str:
        """The person's own link to this address. Raises LookupError for one that isn't named in the text itself."""
        if address not in self.addresses:
            raise LookupError('track needs an address in quotes, like "https://shop.example" | track')
        token = sign(Follow(self.tenant_id, self.recipient_id, self.addresses.index(address)), key=self.key)
        return f"{self.public_url.rstrip('/')}{PATH}{token}"


def addresses_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The tracked addresses that these Liquid texts name, each once, in order."""
    return tuple(dict.fromkeys(found["address"] for text in texts for found in _TRACKED.finditer(text)))


def sign(follow: Follow, *, key: bytes) -> str:
    """The token of a link: 43 characters that can stand in an address."""
    place = _PLACE.pack(follow.tenant_id.bytes, follow.recipient_id, follow.number)
    return base64.urlsafe_b64encode(place + _signature(place, key)).decode().rstrip("=")


def read(token: str, *, key: bytes) -> Follow | None:
    """Whose link this is; None when we didn't make it."""
    if not _TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token + "=")
    place, signature = raw[: _PLACE.size], raw[_PLACE.size :]
    if not hmac.compare_digest(signature, _signature(place, key)):
        return None
    tenant, recipient_id, number = _PLACE.unpack(place)
    return Follow(UUID(bytes=tenant), recipient_id, number)


def _signature(place: bytes, key: bytes) -> bytes:
    return hmac.new(key, place, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
