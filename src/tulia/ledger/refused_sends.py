"""Sends that were refused because the person doesn't agree, in campaigns' runs and one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.core import keyset, sql
from tulia.core.keyset import Page, PageRequest

REASONS = ("no_consent", "opted_out")


@dataclass(frozen=True, slots=True)
class RefusedSend:
    """One message that wasn't sent. `act` is "campaign" for a run, else what was asked for; `ordering` is its place."""

    ordering: tuple[datetime, UUID, UUID]
    campaign_id: UUID
    customer_id: UUID
    act: str
    reason: str
    actor: str
    at: datetime


def page(
    tenant_id: UUID, wanted: PageRequest, *, campaign_id: UUID | None = None, customer_id: UUID | None = None
) -> Page[RefusedSend]:
    """The newest run or request first. Call in the tenant's scope.

    Who didn't agree at a run's start is told with the time of the start, who opted out since with that of the claim.
    """
    at, campaign, key = wanted.position or (None, None, None)
    rows = sql.fetch_all(
        sql.load("ledger", "refused_sends"),
        {
            "tenant_id": tenant_id,
            "campaign_id": campaign_id,
            "customer_id": customer_id,
            "reasons": list(REASONS),
            "beyond_at": at,
            "beyond_campaign": campaign,
            "beyond_key": key,
            "is_backward": wanted.is_backward,
            "batch": wanted.limit + 1,
        },
    )
    found = [
        RefusedSend((ordering_at, campaign_id, key), campaign_id, *rest)
        for ordering_at, campaign_id, key, *rest in rows
    ]
    return keyset.cut(found, wanted, position_of=lambda row: row.ordering)
