"""People of whom the provider says that they have stopped marketing with it: that is their own withdrawal of consent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from tulia.audience import consent
from tulia.ledger.models import Recipient

if TYPE_CHECKING:
    from tulia.ledger.record import Evidence


def withdraw_refused(tenant_id: UUID, sender_id: UUID, evidence: Sequence[Evidence]) -> None:
    """Withdraws the promotional consent of whoever such a failure is about. Call in the tenant's scope."""
    refused = {one.recipient_id: one for one in evidence if one.failure is not None and one.failure.is_opt_out}
    if not refused:
        return
    people: dict[datetime, list[UUID | str]] = defaultdict(list)
    named = Recipient.objects.filter(tenant_id=tenant_id, sender_id=sender_id, pk__in=list(refused))
    for recipient_id, campaign_id, customer_id in named.values_list("id", "campaign_id", "customer_id"):
        one = refused[recipient_id]
        if one.campaign_id in (None, campaign_id):
            people[one.at].append(customer_id)
    for at, customer_ids in sorted(people.items()):
        consent.withdraw(
            tenant_id,
            customer_ids,
            at=at,
            source="customer_initiated",
            actor="customer",
            reason="STOP by the provider's switch",
            types=consent.PROMOTIONAL,
        )
