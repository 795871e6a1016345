"""What the rest of the house needs of a channel: one way to send one message, one way to read what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from tulia.channels.types import CallbackContent, ListedTemplate, OutgoingMessage, SendOutcome, UnusableTemplate


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything needed to send with one sender. Its secrets never appear in a repr."""

    tenant_id: UUID
    sender_id: UUID
    kind: str
    external_id: str
    base_url: str
    rate_per_second: int
    access_token: str = field(repr=False)


OnWire = Callable[[], Awaitable[None]]
"""Called right before the first byte of a message goes out; who raises `Withheld` in it keeps the message from that."""


class Withheld(Exception):
    """The message is not to go out after all: nothing of it has."""


async def go_out() -> None:
    """The `OnWire` of whoever has nothing to say to it."""


class Adapter(Protocol):
    """Sends with one sender."""

    async def send(self, message: OutgoingMessage, *, on_wire: OnWire = go_out) -> SendOutcome:
        """Sends once, and says what became of it; never raises for what a network or a provider does.

        Calls `on_wire` right before the first byte of the message goes out, and not at all if none does. Raises Withheld
        when `on_wire` did.
        """
        ...


class CallbackReader(Protocol):
    """Reads what one kind of provider tells us. A module of that kind is one."""

    def verify_signature(self, raw: bytes, header: str | None, *, app_secret: str) -> bool:
        """Whether the provider signed exactly these bytes."""
        ...

    def parse(self, raw: bytes, *, phone_number_id: str) -> CallbackContent:
        """What the body says; raises CallbackInvalid when it says nothing that can be understood."""
        ...


class TemplateReader(Protocol):
    """Reads how one kind of provider lists its templates. A module of that kind is one."""

    FIELDS: str
    """What to ask for."""

    def read(self, page: Mapping[str, Any]) -> Iterator[ListedTemplate | UnusableTemplate]:
        """Everything on one page."""
        ...

    def next_cursor(self, page: Mapping[str, Any]) -> str | None:
        """Where the next page begins; None after the last."""
        ...


class Redaction(Protocol):
    """Takes a person out of what one kind of provider told us. A module of that kind is one."""

    def marks_of(self, phone: str) -> tuple[str, ...]:
        """The texts by which this person is known in callbacks and message ids."""
        ...

    def marks_in(self, message_id: str) -> tuple[str, ...]:
        """The marks of whom a message went to, where its id tells."""
        ...

    def without(self, raw: bytes, marks: tuple[str, ...]) -> bytes:
        """The callback without what is said of the person with these marks."""
        ...
