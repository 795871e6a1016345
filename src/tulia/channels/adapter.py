"""What the dispatcher needs of a channel: one way to send one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from tulia.channels.types import OutgoingMessage, SendOutcome


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


class Adapter(Protocol):
    """Sends with one sender."""

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Sends once, and says what became of it; never raises for what a network or a provider does."""
        ...
