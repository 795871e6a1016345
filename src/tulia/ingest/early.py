"""Statuses and quoted replies that came before our own record of the send, kept until the record is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tulia.channels.types import Failure, FailureKind
from tulia.core import clock, sql
from tulia.ingest.models import EarlyStatus
from tulia.ledger import reconcile, record
from tulia.ledger.record import Evidence, Kind
from tulia.tenants.scope import system_scope, tenant_scope

FORGOTTEN_AFTER = timedelta(days=1)
LARGEST_TRY = 5_000


@dataclass(frozen=True, slots=True)
class Early:
    """Something said of a message that we don't know (yet) by the provider's id."""

    message_id: str
    kind: Kind
    at: datetime
    failure: Failure | None = None


def keep(tenant_id: UUID, sender_id: UUID, said: Sequence[Early]) -> None:
    """Keeps what fits nobody yet, each once."""
    if not said:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("ingest", "keep_early"),
            {
                "tenant_id": tenant_id,
                "sender_id": sender_id,
                "message_ids": [one.message_id for one in said],
                "states": [int(one.kind) for one in said],
                "ats": [one.at for one in said],
                "failure_kinds": [one.failure.kind.value if one.failure else None for one in said],
                "failure_codes": [one.failure.code if one.failure else None for one in said],
            },
        )


def try_again(tenant_id: UUID, sender_id: UUID) -> int:
    """Records what was kept of messages that we know by now, and forgets what is older than a day; how many it was.

    The newest first: what others send with the same number is kept for its day too, and mustn't stand in the way.
    """
    with tenant_scope(tenant_id):
        kept = EarlyStatus.objects.filter(tenant_id=tenant_id, sender_id=sender_id)
        waiting = list(kept.select_for_update(skip_locked=True).order_by("-id")[:LARGEST_TRY])
        if not waiting:
            return 0
        owners = reconcile.owners_of_messages(tenant_id, sender_id, list({one.message_id for one in waiting}))
        known = [one for one in waiting if one.message_id in owners]
        record.record(
            tenant_id,
            sender_id,
            [
                Evidence(
                    owners[one.message_id],
                    Kind(one.state),
                    one.at,
                    message_id=one.message_id,
                    failure=_failure(one),
                )
                for one in known
            ],
        )
        kept.filter(pk__in=[one.pk for one in known]).delete()
        kept.filter(received_at__lt=clock.now() - FORGOTTEN_AFTER).delete()
    return len(known)


def try_all_again(tenant_id: UUID) -> None:
    """`try_again` for every sender of the tenant that has any."""
    with tenant_scope(tenant_id):
        senders = list(EarlyStatus.objects.filter(tenant_id=tenant_id).values_list("sender_id", flat=True).distinct())
    for sender_id in senders:
        try_again(tenant_id, sender_id)


def tenants_waiting() -> set[UUID]:
    """Tenants with statuses young enough that their message may still turn up."""
    with system_scope():
        return set(
            EarlyStatus.objects.filter(received_at__gt=clock.now() - timedelta(minutes=10)).values_list(
                "tenant_id", flat=True
            )
        )


def _failure(kept: EarlyStatus) -> Failure | None:
    if kept.state != Kind.FAILED or kept.failure_kind is None:
        return None
    return Failure(FailureKind(kept.failure_kind), kept.failure_code or "", "")
