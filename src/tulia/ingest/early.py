"""Statuses that came before our own record of the send, kept until the record is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from tulia.channels.types import Failure, FailureKind, Status, StatusUpdate
from tulia.core import clock, sql
from tulia.ingest.models import EarlyStatus
from tulia.ledger import reconcile, record
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import EVIDENCE, State
from tulia.tenants.scope import system_scope, tenant_scope

FORGOTTEN_AFTER = timedelta(days=1)
LARGEST_TRY = 5_000


def keep(tenant_id: UUID, sender_id: UUID, statuses: Sequence[StatusUpdate]) -> None:
    """Keeps statuses that fit nobody yet, each once."""
    if not statuses:
        return
    with tenant_scope(tenant_id):
        sql.execute(
            sql.load("ingest", "keep_early"),
            {
                "tenant_id": tenant_id,
                "sender_id": sender_id,
                "message_ids": [status.message_id for status in statuses],
                "states": [int(EVIDENCE[status.status]) for status in statuses],
                "ats": [status.at for status in statuses],
                "failure_kinds": [status.failure.kind.value if status.failure else None for status in statuses],
                "failure_codes": [status.failure.code if status.failure else None for status in statuses],
            },
        )


def try_again(tenant_id: UUID, sender_id: UUID) -> int:
    """Records the kept statuses whose message we know by now, and forgets those older than a day; how many were recorded."""
    with tenant_scope(tenant_id):
        kept = EarlyStatus.objects.filter(tenant_id=tenant_id, sender_id=sender_id)
        waiting = list(kept.select_for_update(skip_locked=True).order_by("id")[:LARGEST_TRY])
        if not waiting:
            return 0
        owners = reconcile.owners_of_messages(tenant_id, sender_id, list({one.message_id for one in waiting}))
        known = [one for one in waiting if one.message_id in owners]
        record.record(
            tenant_id,
            sender_id,
            [
                Evidence(
                    owners[one.message_id], Kind(State(one.state)), one.at, message_id=one.message_id,
                    failure=_failure(one),
                )
                for one in known
            ],
        )  # fmt: skip
        old = clock.now() - FORGOTTEN_AFTER
        done = [one.pk for one in waiting if one.message_id in owners or one.received_at < old]
        kept.filter(pk__in=done).delete()
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
    if EVIDENCE[Status.FAILED] != kept.state or kept.failure_kind is None:
        return None
    return Failure(FailureKind(kept.failure_kind), kept.failure_code or "", "")
