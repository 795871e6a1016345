"""Reading the ledger: the people behind a line of the balance sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.core import keyset, sql
from tulia.core.errors import Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.ledger.models import Recipient
from tulia.ledger.status import NAMES, State

LINES: dict[str, tuple[State, ...]] = {
    **{name: (state,) for state, name in NAMES.items()},
    "sent": (State.ACCEPTED, State.SENT, State.DELIVERED, State.READ),
    "undelivered": (State.ACCEPTED, State.SENT),
}
"""The states behind each line that can be asked for; `sent` is everyone accepted and not failed, as in the balance."""


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One person of a campaign and what happened to them."""

    customer_id: UUID
    external_id: str | None
    name: str
    phone: str
    arm: int | None
    state: str
    reason: str
    attempts: int = 0
    due_at: datetime | None = None
    accepted_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    replied_at: datetime | None = None
    converted_at: datetime | None = None
    message_id: str | None = None
    failure_class: str | None = None
    failure_code: str | None = None
    cost_micros: int = 0
    clicked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """Where in the ledger one person's message is."""

    recipient_id: int
    sender_id: UUID


@dataclass(frozen=True, slots=True)
class Place:
    """Where one row of the ledger belongs; `arm` is 0 for whoever was dealt none."""

    campaign_id: UUID
    sender_id: UUID
    arm: int


def place_of(tenant_id: UUID, recipient_id: int) -> Place:
    """Call in the tenant's scope. Raises Missing."""
    found = Recipient.objects.filter(tenant_id=tenant_id, pk=recipient_id)
    row = found.values_list("campaign_id", "sender_id", "arm").first()
    if row is None:
        raise Missing("There is no such person in any campaign.")
    return Place(row[0], row[1], row[2] or 0)


def page(
    tenant_id: UUID, campaign_id: UUID, wanted: PageRequest, *, state: str | None, reason: str | None
) -> Page[RecipientRow]:
    """One page of people, in order of their ids. Raises Invalid for a state that there isn't."""
    if state is not None and state not in LINES:
        known = ", ".join(LINES)
        raise Invalid(f"state must be one of {known}.", details={"state": f"must be one of {known}"})
    states = LINES[state] if state else None
    narrowed = "AND r.failed_at IS NOT NULL" if states == (State.FAILED,) else ""
    rows = sql.fetch_all(
        sql.load("ledger", "recipients").replace("/*narrowed*/", narrowed),
        {
            "tenant_id": tenant_id,
            "campaign_id": campaign_id,
            "states": [int(one) for one in states] if states else None,
            "reason": reason,
            "beyond": wanted.position[0] if wanted.position else None,
            "is_backward": wanted.is_backward,
            "batch": wanted.limit + 1,
        },
    )
    found = [
        RecipientRow(customer_id, external_id, name or "", phone or "", arm, NAMES[State(number)], *rest)
        for customer_id, external_id, name, phone, arm, number, *rest in rows
    ]
    return keyset.cut(found, wanted, position_of=lambda row: (row.customer_id,))


def sent_to(tenant_id: UUID, campaign_id: UUID, customer_id: UUID) -> SentMessage:
    """Raises Missing unless the campaign's message to this customer was accepted."""
    found = (
        Recipient.objects.filter(
            tenant_id=tenant_id, campaign_id=campaign_id, customer_id=customer_id, accepted_at__isnull=False
        )
        .values_list("id", "sender_id")
        .first()
    )
    if found is None:
        raise Missing("This campaign sent no message to this customer.")
    return SentMessage(*found)
