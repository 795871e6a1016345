"""All that the ledger holds of one customer, as JSON. Called in the tenant's scope."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tulia.ledger.models import Conversion, Recipient
from tulia.ledger.status import NAMES, State

_TOLD = (
    "arm", "state", "reason", "attempts", "due_at", "claimed_at", "accepted_at", "sent_at", "delivered_at", "read_at",
    "failed_at", "replied_at", "converted_at", "message_id", "failure_kind", "failure_code",
)  # fmt: skip
_CREDITED = ("kind", "source_id", "converted_at", "revenue_micros", "currency")


def of_customer(tenant_id: UUID, customer_id: UUID) -> list[dict[str, Any]]:
    """Every campaign this customer was in the audience of, with what happened and the conversions credited to it."""
    rows = list(
        Recipient.objects.filter(tenant_id=tenant_id, customer_id=customer_id)
        .order_by("id")
        .values("id", "campaign_id", "campaign__name", *_TOLD)
    )
    converted: dict[int, list[dict[str, Any]]] = {}
    for recipient_id, *facts in (
        Conversion.objects.filter(tenant_id=tenant_id, recipient_id__in=[row["id"] for row in rows])
        .order_by("converted_at", "id")
        .values_list("recipient_id", *_CREDITED)
    ):
        converted.setdefault(recipient_id, []).append(dict(zip(_CREDITED, facts, strict=True)))
    return [
        {
            "campaign_id": row["campaign_id"],
            "campaign_name": row["campaign__name"],
            **{name: NAMES[State(row[name])] if name == "state" else row[name] for name in _TOLD},
            "conversions": converted.get(row["id"], []),
        }
        for row in rows
    ]
