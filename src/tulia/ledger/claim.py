"""Claiming: the moment before bytes go out.

A claim marks a micro-batch *sending* and is committed before anything is sent. After a crash, whoever was waiting is
still waiting; whoever was sending is unknown, and there are never more of them than were in flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.core import sql
from tulia.ledger.status import State
from tulia.tenants.scope import tenant_scope


@dataclass(frozen=True, slots=True)
class ClaimedPerson:
    """One person whose message is about to go out, with what a message may say about them."""

    recipient_id: int
    attempt: int
    arm: int
    customer_id: UUID
    phone: str
    name: str
    external_id: str
    language: str
    country: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought: people to send to now, and how many were passed over because they may not be written to."""

    people: tuple[ClaimedPerson, ...]
    skipped_count: int

    @property
    def is_empty(self) -> bool:
        return not self.people and not self.skipped_count


def claim(tenant_id: UUID, campaign_id: UUID, *, now: datetime, batch: int, worker_id: UUID | None = None) -> Claim:
    """Marks up to `batch` due people of a sending campaign as being sent to by this worker, and commits."""
    with tenant_scope(tenant_id):
        rows = sql.fetch_all(
            sql.load("ledger", "claim"),
            {"tenant_id": tenant_id, "campaign_id": campaign_id, "worker_id": worker_id, "now": now, "batch": batch},
        )
    people = tuple(
        ClaimedPerson(
            recipient_id=id_, attempt=attempts, arm=arm or 0, customer_id=customer_id, phone=phone, name=name,
            external_id=external_id or "", language=language, country=country, attributes=_as_mapping(attributes),
        )
        for id_, state, arm, attempts, customer_id, phone, name, external_id, language, country, attributes in rows
        if state == State.SENDING
    )  # fmt: skip
    return Claim(people, len(rows) - len(people))


def _as_mapping(attributes: object) -> dict[str, Any]:
    """JSON columns come as text on Django's connection."""
    if isinstance(attributes, str):
        import orjson

        attributes = orjson.loads(attributes)
    return attributes if isinstance(attributes, dict) else {}


@dataclass(frozen=True, slots=True)
class PutBack:
    """One person whose message certainly did not go out: due again at `due_at`.

    `reason` is why they wait ("retry", "throttled", "sender_paused", "campaign_paused"), empty for none; `counts` is
    whether the attempt counts against the limit of tries.
    """

    recipient_id: int
    attempt: int
    due_at: datetime
    reason: str
    counts: bool


def put_back(tenant_id: UUID, returned: Sequence[PutBack]) -> None:
    """Puts people back in the queue."""
    if not returned:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("ledger", "put_back"),
            {
                "tenant_id": tenant_id,
                "ids": [one.recipient_id for one in returned],
                "attempts": [one.attempt for one in returned],
                "due_ats": [one.due_at for one in returned],
                "reasons": [one.reason for one in returned],
                "burnt": [one.counts for one in returned],
            },
        )
