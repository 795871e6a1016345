"""Recording evidence: the only writer of what happened to people, and of the campaigns' counters."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from tulia.channels.types import Failure
from tulia.core import sql
from tulia.ledger import refusals
from tulia.ledger.models import Recipient
from tulia.ledger.status import State
from tulia.tenants.scope import tenant_scope

CONVERSION_WINDOW = timedelta(days=7)


class Kind(enum.IntEnum):
    """What a piece of evidence is; the number is the state it proves, but for the last three."""

    ACCEPTED = State.ACCEPTED
    SENT = State.SENT
    FAILED = State.FAILED
    """Failed after acceptance, by a callback: it proves that the message was accepted."""
    DELIVERED = State.DELIVERED
    READ = State.READ
    REJECTED = -30
    """Refused by the provider for good: failed, and never accepted."""
    REPLIED = 60
    """The person answered: proves delivery, but is no read receipt."""
    CLICKED = 70
    """The person followed a link of the message: proves delivery, but is no read receipt."""


class Evidence(NamedTuple):
    """Something that was seen about one recipient at `at` (the provider's time for callbacks).

    `campaign_id`, when given, must be the recipient's campaign, or the evidence is about somebody else and ignored: a
    reference made before the database was restored or replaced could name a number that means another person now.
    `cost_micros` is what the provider says the message cost, in millionths of a US dollar.
    """

    recipient_id: int
    kind: Kind
    at: datetime
    message_id: str | None = None
    failure: Failure | None = None
    campaign_id: UUID | None = None
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """An order or booking to be credited; `revenue_micros` in millionths of `currency`."""

    source_id: UUID
    customer_id: UUID
    at: datetime
    revenue_micros: int
    currency: str


def record(tenant_id: UUID, sender_id: UUID, evidence: Sequence[Evidence]) -> None:
    """Applies evidence and raises the counters by exactly what changed, in one transaction.

    Evidence about people of another tenant or sender is ignored. A failure may tell something about the person, and is
    heeded (see `ledger.refusals`).
    """
    if not evidence:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("ledger", "record"),
            {
                "tenant_id": tenant_id,
                "sender_id": sender_id,
                "ids": sql.array([one.recipient_id for one in evidence]),
                "kinds": sql.array([int(one.kind) for one in evidence]),
                "ats": sql.array([one.at for one in evidence]),
                "message_ids": sql.array([one.message_id for one in evidence]),
                "failure_kinds": sql.array([one.failure.kind.value if one.failure else None for one in evidence]),
                "failure_codes": sql.array([one.failure.code if one.failure else None for one in evidence]),
                "campaign_ids": sql.array([one.campaign_id for one in evidence]),
                "costs": sql.array([one.cost_micros for one in evidence]),
            },
        )
        refusals.heed(tenant_id, sender_id, evidence)


def mark_unknown(tenant_id: UUID, recipient_ids: Sequence[int]) -> None:
    """People whose message went out and whose answer was lost: never re-sent by themselves."""
    with tenant_scope(tenant_id):
        Recipient.objects.filter(tenant_id=tenant_id, pk__in=recipient_ids, state=State.SENDING).update(
            state=State.UNKNOWN, reason="no_answer", sending_at=None, claimed_by=None
        )


def skip_unrendered(tenant_id: UUID, recipient_ids: Sequence[int]) -> None:
    """People whose message could not be made: nothing was sent, nothing half-empty ever is."""
    with tenant_scope(tenant_id):
        sql.execute(sql.load("ledger", "skip"), {"tenant_id": tenant_id, "ids": list(recipient_ids)})


def credit(tenant_id: UUID, kind: str, conversions: Sequence[Conversion], *, window: timedelta) -> None:
    """Credits orders (`kind` "order") or bookings ("booking") to the last campaign message before them; each once."""
    if not conversions:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("ledger", "credit"),
            {
                "tenant_id": tenant_id,
                "kind": kind,
                "source_ids": [one.source_id for one in conversions],
                "customer_ids": [one.customer_id for one in conversions],
                "ats": [one.at for one in conversions],
                "revenues": [one.revenue_micros for one in conversions],
                "currencies": [one.currency for one in conversions],
                "window": window,
            },
        )
