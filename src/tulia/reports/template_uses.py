"""How many people each template was sent to, in all campaigns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from tulia.campaigns import template_use
from tulia.core import sql


def count(tenant_id: UUID, template_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    """People whose message the provider accepted, by template; two queries. Call in the tenant's scope.

    A campaign that sends one thing to all is counted by its counter, a test whose arms differ by the ledger.
    """
    uses: Counter[UUID] = Counter(dict.fromkeys(template_ids, 0))
    if not uses:
        return uses
    mixed = {}
    for campaign in template_use.sent_with(tenant_id, uses):
        sent = template_use.templates_of(campaign)
        if len(set(sent)) > 1:
            mixed[campaign.pk] = sent
        elif (template_id := sent[0]) is not None:
            uses[template_id] += campaign.delivery_count
    rows = sql.fetch_all(sql.load("reports", "accepted_by_arm"), {"tenant_id": tenant_id, "campaign_ids": list(mixed)})
    for campaign_id, arm, people in rows:
        template_id = mixed[campaign_id][arm] if arm < len(mixed[campaign_id]) else None
        if template_id is not None and template_id in uses:
            uses[template_id] += people
    return uses
