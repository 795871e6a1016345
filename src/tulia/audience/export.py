"""All that the audience holds of one customer, as JSON. Called in the tenant's scope."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from tulia.audience import consent, customers
from tulia.audience.models import Booking, Confirmation, ConsentRefusal, Conversation, Message, Order
from tulia.core.keyset import PageRequest

_EVERYTHING = PageRequest(limit=1_000_000)


def of_customer(tenant_id: UUID, customer_id: UUID) -> dict[str, Any]:
    """Profile, consents with their history, orders, bookings and conversations, the oldest first. Raises Missing."""
    profile = asdict(customers.get(tenant_id, customer_id))
    preferences = profile.pop("preferences")
    history = consent.history(tenant_id, customer_id, _EVERYTHING).results
    mine = {"tenant_id": tenant_id, "customer_id": customer_id}
    messages = Message.objects.filter(tenant_id=tenant_id, conversation__customer_id=customer_id)
    return {
        "profile": profile,
        "preferences": preferences,
        "consent_history": [
            {name: value for name, value in asdict(line).items() if name != "id"} for line in reversed(history)
        ],
        "refused_sends": list(
            ConsentRefusal.objects.filter(**mine)
            .order_by("refused_at", "id")
            .values("campaign_id", "act", "reason", "actor", "refused_at")
        ),
        "orders": list(
            Order.objects.filter(**mine)
            .order_by("placed_at", "id")
            .values("id", "external_id", "placed_at", "total_micros", "currency", "status", "created_at")
        ),
        "bookings": list(
            Booking.objects.filter(**mine)
            .order_by("booked_at", "id")
            .values("id", "external_id", "booked_at", "starts_at", "status", "created_at")
        ),
        "conversations": list(
            Conversation.objects.filter(**mine)
            .order_by("created_at", "id")
            .values("id", "status", "last_activity_at", "last_inbound_at", "created_at")
        ),
        "messages": list(
            messages.order_by("sent_at", "id").values(
                "id", "conversation_id", "direction", "message_type", "text", "sent_at", "provider_message_id"
            )
        ),
        "confirmations": list(
            Confirmation.objects.filter(**mine).order_by("asked_at", "id").values("kind", "text", "asked_at", "state")
        ),
    }
