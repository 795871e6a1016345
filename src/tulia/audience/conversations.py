"""Conversations: what people write to the business, each message once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience import phone as phones
from tulia.core import sql

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a person; `phone` is E.164, `profile_name` what the provider calls them."""

    phone: str
    at: datetime
    text: str
    provider_message_id: str
    profile_name: str = ""


def record_inbound(tenant_id: UUID, rows: Sequence[Inbound]) -> frozenset[str]:
    """Stores these messages; the provider's ids of those that were new. Call in the tenant's scope.

    An unknown phone becomes a customer with the default consents. A closed or dormant conversation opens again.
    """
    unique = {row.provider_message_id: row for row in rows}
    if not unique:
        return frozenset()
    given = list(unique.values())
    stored = sql.fetch_all(
        sql.load("audience", "record_inbound"),
        {
            "tenant_id": tenant_id,
            "phones": [row.phone for row in given],
            "names": [row.profile_name[:_LONGEST_NAME] for row in given],
            "countries": [phones.country_of(row.phone) or "" for row in given],
            "ats": [row.at for row in given],
            "texts": [row.text for row in given],
            "message_ids": [row.provider_message_id for row in given],
        },
    )
    return frozenset(message_id for (message_id,) in stored)
