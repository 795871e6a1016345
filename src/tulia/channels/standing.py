"""How a sender stands with its provider: whether its breaker is closed, and if not, why and until when.

Written by the sender's dispatcher (and when its secrets are changed), read by everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from tulia.channels import registry
from tulia.channels.adapter import Connection
from tulia.channels.models import Sender
from tulia.core import clock
from tulia.tenants import workers
from tulia.tenants.scope import system_scope, tenant_scope

JUST_NOW = timedelta(seconds=3)  # a message leaves within half a second; the rest is for clocks and slow answers
CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
_CLOSED = {
    "breaker_state": CLOSED,
    "breaker_scope": "",
    "breaker_reason": "",
    "breaker_code": "",
    "breaker_since": None,
    "breaker_retry_at": None,
}


@dataclass(frozen=True, slots=True)
class SenderNow:
    """A sender as it is at this moment, for whoever sends with it."""

    connection: Connection
    paused_reason: str
    breaker_state: str
    dispatched_by: UUID | None


@dataclass(frozen=True, slots=True)
class OpenBreaker:
    """A breaker that isn't closed. `retry_at` is when it tries again by itself; None when a person must mend something,
    after which the next message is the trial. `scope` is "sender" or "account"."""

    tenant_id: UUID
    sender_id: UUID
    state: str
    scope: str
    code: str
    reason: str
    since: datetime
    retry_at: datetime | None


def now_of(tenant_id: UUID, sender_id: UUID) -> SenderNow | None:
    """The sender as it is; None when it is gone."""
    connection = registry.connection_of(tenant_id, sender_id)
    with tenant_scope(tenant_id):
        row = (
            Sender.objects.filter(tenant_id=tenant_id, pk=sender_id)
            .values_list("paused_reason", "breaker_state", "dispatched_by")
            .first()
        )
    return SenderNow(connection, *row) if connection and row else None


@dataclass(frozen=True, slots=True)
class Predecessor:
    """Which worker sent with a sender until now (None: nobody knows), and whether it may have, a moment ago."""

    worker_id: UUID | None
    was_sending_just_now: bool


def take_over(tenant_id: UUID, sender_id: UUID, worker_id: UUID | None) -> Predecessor:
    """Notes that this worker sends with the sender from now on; who did before.

    Waits for a claim that has begun. No message of another worker leaves later than it knew, by a claim or by `keep`, that
    the sender was its own, and half a second; so from when that was it follows whether its last second is over.
    """
    with tenant_scope(tenant_id):
        mine = Sender.objects.filter(tenant_id=tenant_id, pk=sender_id)
        before, at = mine.select_for_update(no_key=True).values_list("dispatched_by", "dispatched_at").first() or (
            None,
            None,
        )
        if worker_id is not None and before != worker_id:
            mine.update(dispatched_by=worker_id)
        return Predecessor(before, at > clock.now() - JUST_NOW if at else before is not None)


def keep(tenant_id: UUID, sender_id: UUID, worker_id: UUID) -> bool:
    """Whether it was this worker that took the sender over last; then it is noted that it may be sending now."""
    with tenant_scope(tenant_id):
        mine = Sender.objects.filter(tenant_id=tenant_id, pk=sender_id, dispatched_by=worker_id)
        return mine.update(dispatched_at=Now()) > 0


def settled(tenant_id: UUID, sender_id: UUID, worker_id: UUID) -> None:
    """This worker leaves the sender, and nobody who was being sent to with it waits for anything."""
    with tenant_scope(tenant_id):
        Sender.objects.filter(tenant_id=tenant_id, pk=sender_id, dispatched_by=worker_id).update(settled_at=Now())


def orphaned(worker_id: UUID) -> frozenset[tuple[UUID, UUID]]:
    """(tenant, sender) of all tenants' senders that a worker left in the middle of sending and that nobody has taken over,
    as when their campaigns were paused or canceled before it died. This worker's own are among them."""
    living = workers.heard_of() - {worker_id}
    with system_scope():
        left = Sender.objects.filter(
            Q(settled_at=None) | Q(settled_at__lt=F("dispatched_at")), dispatched_at__isnull=False
        )
        return frozenset(left.exclude(dispatched_by__in=living).values_list("tenant_id", "id"))


def opened(
    tenant_id: UUID,
    sender_id: UUID,
    *,
    reason: str,
    code: str,
    retry_at: datetime | None,
    now: datetime,
    is_of_account: bool = False,
) -> tuple[UUID, ...]:
    """Opens the sender's breaker, or those of all senders of its account; the senders concerned, this one among them."""
    with tenant_scope(tenant_id):
        concerned = _of_account(tenant_id, sender_id) if is_of_account else _of_sender(tenant_id, sender_id)
        concerned.filter(breaker_since=None).update(breaker_since=now)
        concerned.update(
            breaker_state=OPEN,
            breaker_scope="account" if is_of_account else "sender",
            breaker_reason=reason[:500],
            breaker_code=code[:40],
            breaker_retry_at=retry_at,
        )
        return tuple(concerned.values_list("id", flat=True))


def half_opened(tenant_id: UUID, sender_id: UUID) -> None:
    """A message tries the way again."""
    with tenant_scope(tenant_id):
        _of_sender(tenant_id, sender_id).filter(breaker_state=OPEN).update(breaker_state=HALF_OPEN)


def closed(tenant_id: UUID, sender_id: UUID) -> None:
    """Messages get through: all is well again, with the whole account if that was the matter."""
    with tenant_scope(tenant_id):
        was_of_account = _of_sender(tenant_id, sender_id).filter(breaker_scope="account").exists()
        if was_of_account:
            _of_account(tenant_id, sender_id).filter(breaker_scope="account").update(**_CLOSED)
        _of_sender(tenant_id, sender_id).exclude(breaker_state=CLOSED).update(**_CLOSED)


def of_account(tenant_id: UUID, sender_id: UUID) -> tuple[UUID, ...]:
    """All senders of this sender's account at the provider, itself among them."""
    with tenant_scope(tenant_id):
        return tuple(_of_account(tenant_id, sender_id).values_list("id", flat=True))


def all_open() -> Sequence[OpenBreaker]:
    """Every breaker of all tenants that isn't closed, the oldest first."""
    with system_scope():
        rows = Sender.objects.exclude(breaker_state=CLOSED).order_by("breaker_since", "id")
        return [
            OpenBreaker(
                tenant_id=one.tenant_id,
                sender_id=one.pk,
                state=one.breaker_state,
                scope=one.breaker_scope,
                code=one.breaker_code,
                reason=one.breaker_reason,
                since=one.breaker_since or one.created_at,
                retry_at=one.breaker_retry_at,
            )
            for one in rows
        ]


def _of_sender(tenant_id: UUID, sender_id: UUID) -> QuerySet[Sender]:
    return Sender.objects.filter(tenant_id=tenant_id, pk=sender_id)


def _of_account(tenant_id: UUID, sender_id: UUID) -> QuerySet[Sender]:
    found = _of_sender(tenant_id, sender_id).values_list("kind", "business_account_id").first()
    kind, account = found or ("", "")
    same = Q(kind=kind, business_account_id=account) if account else Q(pk=sender_id)
    return Sender.objects.filter(Q(pk=sender_id) | same, tenant_id=tenant_id)
