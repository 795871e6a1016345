"""Recounting: every counter and balance of a tenant computed again from the ledger. There must be no difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tulia.core import sql
from tulia.reports import balance
from tulia.tenants.scope import tenant_view

COUNTERS = (
    "delivery_count", "delivered_count", "failed_count", "read_count", "response_count", "conversion_count",
    "cost_micros",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that isn't what the ledger says."""

    tenant_id: UUID
    campaign_id: UUID
    what: str
    stored: int
    recounted: int


@dataclass(frozen=True, slots=True)
class Verification:
    campaign_count: int
    differences: tuple[Difference, ...]


def verify(tenant_ids: Iterable[UUID]) -> Verification:
    """Recounts every campaign of these tenants, each tenant in one snapshot of the database."""
    checked = 0
    differences: list[Difference] = []
    for tenant_id in tenant_ids:
        with tenant_view(tenant_id):
            rows = sql.fetch_all(sql.load("reports", "recount"), {"tenant_id": tenant_id})
            for campaign_id, *numbers, credited in rows:
                checked += 1
                pairs = zip(COUNTERS, numbers[::2], numbers[1::2], strict=True)
                found = [(what, stored, recounted) for what, stored, recounted in pairs if stored != recounted]
                converted = numbers[2 * COUNTERS.index("conversion_count") + 1]
                if credited != converted:
                    found.append(("converted people and their conversions", converted, credited))
                sheet = balance.of_campaign(tenant_id, campaign_id)
                if not sheet.is_balanced:
                    found.append(("balance", sheet.audience, 0))
                differences += [Difference(tenant_id, campaign_id, *one) for one in found]
            sums = sql.fetch_all(sql.load("reports", "recount_tallies"), {"tenant_id": tenant_id})
            differences += [Difference(tenant_id, campaign_id, *one) for campaign_id, *one in sums]
    return Verification(checked, tuple(differences))
