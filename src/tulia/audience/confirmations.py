"""Answers that go out by themselves to STOP and START: each once, through the sender that got the word.

A confirmation is noted in the transaction that changes the consent, claimed before it is sent, and never sent again
when its outcome isn't known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from tulia.audience.models import Confirmation
from tulia.core import left_behind, sql
from tulia.core.trace import Fate, Trace, WireReader
from tulia.tenants.scope import system_scope, tenant_scope

Kind = Literal["stopped", "started"]
State = Literal["waiting", "sent", "failed", "unknown"]
DAY = timedelta(days=1)
"""How long after a person's message a text may answer it, and how long the same word isn't answered again."""


@dataclass(frozen=True, slots=True)
class DueConfirmation:
    """A confirmation that is about to go out; `attempt` counts from 1."""

    id: int
    phone: str
    text: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a confirmation's attempt; `due_at` is when it goes out again, for one that certainly didn't go out."""

    id: int
    attempt: int
    state: State
    message_id: str | None = None
    failure_code: str = ""
    due_at: datetime | None = None


def ask(
    tenant_id: UUID,
    *,
    sender_id: UUID,
    phone: str,
    kind: Kind,
    text: str,
    message_id: str,
    at: datetime,
    now: datetime,
) -> None:
    """Notes that the word said `at` is to be answered, if it took effect and wasn't answered. Call in the tenant's scope,
    in the transaction that changed the consent."""
    sql.execute(
        sql.load("audience", "ask_confirmation"),
        {
            "tenant": tenant_id,
            "sender": sender_id,
            "phone": phone,
            "kind": kind,
            "is_on": kind == "started",
            "text": text,
            "message_id": message_id,
            "at": at,
            "now": now,
            "day": DAY,
        },
    )


def said_directly_after_stop(tenant_id: UUID, said: Sequence[tuple[str, str, datetime]]) -> frozenset[str]:
    """Of stored messages (id, phone, time), those that are the next one after a STOP of the same person."""
    if not said:
        return frozenset()
    rows = sql.fetch_all(
        sql.load("audience", "said_after_stop"),
        {
            "tenant": tenant_id,
            "message_ids": [message_id for message_id, _, _ in said],
            "phones": [phone for _, phone, _ in said],
            "ats": [at for _, _, at in said],
            "day": DAY,
        },
    )
    return frozenset(message_id for (message_id,) in rows)


def senders_waiting(*, now: datetime) -> frozenset[tuple[UUID, UUID]]:
    """(tenant, sender) of senders that have confirmations to send, for all tenants."""
    with system_scope():
        return frozenset(Confirmation.objects.filter(due_at__lte=now).values_list("tenant_id", "sender_id").distinct())


def are_due(tenant_id: UUID, sender_id: UUID, *, now: datetime) -> bool:
    """Whether this sender has confirmations to send."""
    with tenant_scope(tenant_id):
        return Confirmation.objects.filter(tenant_id=tenant_id, sender_id=sender_id, due_at__lte=now).exists()


def claim(
    tenant_id: UUID, sender_id: UUID, *, now: datetime, batch: int, worker_id: UUID | None = None
) -> tuple[DueConfirmation, ...]:
    """Marks up to `batch` due confirmations as being sent by this worker, and commits."""
    with tenant_scope(tenant_id):
        rows = sql.fetch_all(
            sql.load("audience", "claim_confirmations"),
            {"tenant": tenant_id, "sender": sender_id, "worker": worker_id, "now": now, "day": DAY, "batch": batch},
        )
    return tuple(
        DueConfirmation(id_, phone, text, attempts) for id_, state, phone, text, attempts in rows if state == "sending"
    )


def settle(tenant_id: UUID, settled: Sequence[Settled], *, now: datetime) -> None:
    """Writes what became of claimed confirmations."""
    if not settled:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("audience", "settle_confirmations"),
            {
                "tenant": tenant_id,
                "ids": [one.id for one in settled],
                "attempts": [one.attempt for one in settled],
                "states": [one.state for one in settled],
                "message_ids": [one.message_id for one in settled],
                "failure_codes": [one.failure_code for one in settled],
                "due_ats": [one.due_at for one in settled],
                "now": now,
            },
        )


def disown(
    tenant_id: UUID,
    sender_id: UUID,
    *,
    now: datetime,
    on_the_wire: WireReader = lambda _: Trace.LOST,
    worker_id: UUID | None = None,
    besides: UUID | None = None,
    since: datetime | None = None,
) -> int:
    """As `ledger.reconcile.disown`, for the confirmations of a sender; how many are left to a worker that may live.

    With `worker_id`, and nothing of that worker's in flight, also what it claimed without hearing of it.
    """
    with tenant_scope(tenant_id):
        mine = Confirmation.objects.filter(tenant_id=tenant_id, sender_id=sender_id)
        found = left_behind.sort_out(
            mine.filter(sending_at__isnull=False),
            now=now, on_the_wire=on_the_wire, worker_id=worker_id, besides=besides, since=since, sign=-1,
        )  # fmt: skip
        mine.filter(pk__in=found[Fate.UNSENT]).update(state="waiting", due_at=now, sending_at=None, claimed_by=None)
        mine.filter(pk__in=found[Fate.UNKNOWN]).update(state="unknown", sending_at=None, claimed_by=None)
    return len(found[Fate.LEFT])
