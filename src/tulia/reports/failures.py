"""Why messages failed, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tulia.channels import registry
from tulia.core import sql


@dataclass(frozen=True, slots=True)
class FailureLine:
    """One cause: its class, the provider's code, how many people, and a sentence."""

    failure_class: str
    code: str
    people: int
    sentence: str


def of_campaign(tenant_id: UUID, campaign_id: UUID) -> tuple[FailureLine, ...]:
    """The twenty most frequent causes. Call in the tenant's scope."""
    rows = sql.fetch_all(sql.load("reports", "failures"), {"tenant_id": tenant_id, "campaign_id": campaign_id})
    return tuple(FailureLine(kind, code, people, registry.explain(code)) for kind, code, people in rows)


def in_words(tenant_id: UUID, campaign_id: UUID) -> tuple[str, ...]:
    """One sentence for each cause, with its number of people."""
    return tuple(f"{line.people:,} × {line.sentence} ({line.code})" for line in of_campaign(tenant_id, campaign_id))
