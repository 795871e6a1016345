"""Conversations: what people write to the business, each message once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience import phone as phones
from tulia.audience import suppression
from tulia.core import sql

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a person; `phone` is E.164, `profile_name` what the provider calls them, perhaps empty."""

    phone: str
    at: datetime
    text: str
    provider_message_id: str
    profile_name: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that was not known before, and whose it is."""

    message: Inbound
    customer_id: UUID


def record_inbound(tenant_id: UUID, messages: Sequence[Inbound]) -> tuple[Heard, ...]:
    """Stores what people wrote; those messages that are new, in the order given. Call in the tenant's scope.

    A message is known by its provider's id, so the same callback may come again. An unknown phone becomes a customer
    with the default consents. Each conversation moves to the time of its latest message, never back, and a closed or
    dormant one opens again.
    """
    by_id = {message.provider_message_id: message for message in messages}
    if not by_id:
        return ()
    given = list(by_id.values())
    senders = {message.phone: message.profile_name for message in given}
    withheld = suppression.unknown_among(tenant_id, senders)
    sql.execute(
        sql.load("audience", "create_senders"),
        {
            "tenant": tenant_id,
            "phones": list(senders),
            "names": [_storable(name)[:_LONGEST_NAME] for name in senders.values()],
            "countries": [phones.country_of(number) or "" for number in senders],
        },
    )
    suppression.withhold(tenant_id, withheld, at=max(message.at for message in given))
    stored = sql.fetch_all(
        sql.load("audience", "record_inbound"),
        {
            "tenant": tenant_id,
            "phones": [message.phone for message in given],
            "ats": [message.at for message in given],
            "texts": [_storable(message.text) for message in given],
            "message_ids": [message.provider_message_id for message in given],
        },
    )
    owners: dict[str, UUID] = dict(stored)
    return tuple(Heard(message, owners[key]) for key, message in by_id.items() if key in owners)


def _storable(text: str) -> str:
    """What a stranger's phone sent must be kept, so what can't be stored is left out rather than refused."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
