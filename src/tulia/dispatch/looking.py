"""What a dispatcher reads of the database: all at once, because each time costs a turn among everything else."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience import confirmations
from tulia.campaigns import lifecycle
from tulia.campaigns.models import MessageCampaign
from tulia.channels import standing
from tulia.channels.standing import Predecessor, SenderNow
from tulia.core import clock
from tulia.core.trace import Trace, WireReader
from tulia.ledger import reconcile
from tulia.ledger.reconcile import Disowned
from tulia.tenants import workers


@dataclass(frozen=True, slots=True)
class Sight:
    """A sender (None: gone) as it is, the campaigns to be sent with it, and whether confirmations are to be sent."""

    sender: SenderNow | None
    sending: tuple[MessageCampaign, ...]
    are_confirmations_due: bool


def look(tenant_id: UUID, sender_id: UUID) -> Sight:
    """What there is to do now for one sender."""
    sender = standing.now_of(tenant_id, sender_id)
    if sender is None or sender.paused_reason:
        return Sight(sender, (), False)
    return Sight(
        sender,
        tuple(lifecycle.sending_of(tenant_id, sender_id)),
        confirmations.are_due(tenant_id, sender_id, now=clock.now()),
    )


@dataclass(frozen=True, slots=True)
class Legacy:
    """What the dispatcher before this one left: people in the middle, and perhaps a second that is full already."""

    left: Disowned
    before: Predecessor
    at: datetime


def take_over(tenant_id: UUID, sender_id: UUID, worker_id: UUID | None, on_the_wire: WireReader) -> Legacy:
    """Settles whom a dispatcher before this one left in the middle: campaigns' people, and confirmations. Call with the
    sender's lock."""
    before = standing.take_over(tenant_id, sender_id, worker_id)
    now, reader = clock.now(), _anywhere(on_the_wire)
    left = reconcile.disown(tenant_id, sender_id, now=now, on_the_wire=reader)
    replies_left = confirmations.disown(tenant_id, sender_id, now=now, on_the_wire=reader)
    return Legacy(_with(left, replies_left), before, now)


def settle_others(
    tenant_id: UUID, sender_id: UUID, worker_id: UUID | None, on_the_wire: WireReader, *, since: datetime
) -> Disowned:
    """Looks again after the people of other workers, who lived when the sender was taken over. Call as `take_over`."""
    now, reader = clock.now(), _anywhere(on_the_wire)
    left = reconcile.disown(tenant_id, sender_id, now=now, on_the_wire=reader, besides=worker_id, since=since)
    replies_left = confirmations.disown(
        tenant_id, sender_id, now=now, on_the_wire=reader, besides=worker_id, since=since
    )
    return _with(left, replies_left)


def release(tenant_id: UUID, sender_id: UUID, worker_id: UUID, on_the_wire: WireReader) -> Disowned:
    """Puts back whom this worker claimed without hearing of it. Call with nothing of its in flight."""
    now = clock.now()
    confirmations.disown(tenant_id, sender_id, now=now, on_the_wire=on_the_wire, worker_id=worker_id)
    return reconcile.disown(tenant_id, sender_id, now=now, on_the_wire=on_the_wire, worker_id=worker_id)


def _with(left: Disowned, replies_left: int) -> Disowned:
    return dataclasses.replace(left, left_count=left.left_count + replies_left)


def _anywhere(on_the_wire: WireReader) -> WireReader:
    """A worker of another machine keeps its journal there; whether it lives is known all the same."""

    def trace(worker_id: UUID) -> frozenset[int] | Trace:
        told = on_the_wire(worker_id)
        return Trace.LIVES if told is Trace.LOST and worker_id in workers.heard_of() else told

    return trace
