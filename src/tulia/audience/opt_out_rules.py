"""What a tenant's people can say to opt out or in, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tulia.audience import keywords
from tulia.tenants import queries


@dataclass(frozen=True, slots=True)
class Rules:
    """The words in force; a reply of None says that there is no answer."""

    stop_words: frozenset[str]
    start_words: frozenset[str]
    stop_reply: str | None
    start_reply: str | None


def of_tenant(tenant_id: UUID) -> Rules:
    tenant = queries.get(tenant_id)
    return Rules(
        stop_words=keywords.in_force(keywords.STOP_WORDS, tenant.opt_out_words),
        start_words=keywords.in_force(keywords.START_WORDS, tenant.opt_in_words),
        stop_reply=tenant.opt_out_reply,
        start_reply=tenant.opt_in_reply,
    )
