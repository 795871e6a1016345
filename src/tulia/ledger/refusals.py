"""What a failure tells about the person: that they have stopped marketing, or that their number has no WhatsApp."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from tulia.audience import consent, reachability
from tulia.ledger.models import Recipient

if TYPE_CHECKING:
    from tulia.ledger.record import Evidence


def heed(tenant_id: UUID, sender_id: UUID, evidence: Sequence[Evidence]) -> None:
    """Withdraws the promotional consent of whoever has stopped marketing with the provider, which is their own act, and
    notes who can't be reached. Call in the tenant's scope."""
    telling = {
        one.recipient_id: one
        for one in evidence
        if one.failure is not None and (one.failure.is_opt_out or one.failure.is_unreachable)
    }
    if not telling:
        return
    stopped: dict[datetime, list[UUID | str]] = defaultdict(list)
    unreachable: dict[UUID, datetime] = {}
    named = Recipient.objects.filter(tenant_id=tenant_id, sender_id=sender_id, pk__in=list(telling))
    for recipient_id, campaign_id, customer_id in named.values_list("id", "campaign_id", "customer_id"):
        one = telling[recipient_id]
        if one.campaign_id not in (None, campaign_id) or one.failure is None:
            continue
        if one.failure.is_opt_out:
            stopped[one.at].append(customer_id)
        else:
            unreachable[customer_id] = one.at
    for at, customer_ids in sorted(stopped.items()):
        consent.withdraw(
            tenant_id,
            customer_ids,
            at=at,
            source="customer_initiated",
            actor="customer",
            reason="STOP by the provider's switch",
            types=consent.PROMOTIONAL,
        )
    reachability.lose(tenant_id, unreachable)
