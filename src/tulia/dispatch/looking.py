"""What a dispatcher reads of the database: all at once, because each time costs a turn among everything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tulia.audience import confirmations
from tulia.campaigns import lifecycle
from tulia.campaigns.models import MessageCampaign
from tulia.channels import standing
from tulia.channels.standing import SenderNow
from tulia.core import clock
from tulia.ledger import reconcile
from tulia.ledger.reconcile import Disowned, WireReader

JUST_NOW = timedelta(seconds=3)  # times of claims come in whole seconds, and by another machine's clock


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
    """What the dispatcher before this one left: people in the middle, and perhaps a second that is full already.

    `was_ours`: it was a dispatcher of this very worker, and nobody else's since.
    """

    left: Disowned
    was_sending_just_now: bool
    was_ours: bool


def take_over(tenant_id: UUID, sender_id: UUID, worker_id: UUID | None, on_the_wire: WireReader) -> Legacy:
    """Settles whom a dispatcher before this one left in the middle: campaigns' people, and confirmations, which stay
    unknown because they may have gone out. Call with the sender's lock."""
    now = clock.now()
    was_ours = worker_id is not None and standing.take_over(tenant_id, sender_id, worker_id) == worker_id
    was_claiming = reconcile.sent_since(tenant_id, sender_id, now - JUST_NOW)
    left = reconcile.disown(tenant_id, sender_id, now=now, on_the_wire=on_the_wire)
    confirming = confirmations.disown(tenant_id, sender_id)
    # Whoever is unknown may have left at any time since their claim: after a process stood still, seconds later.
    return Legacy(left, was_claiming or left.unknown_count > 0 or confirming > 0, was_ours)
