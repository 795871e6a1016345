"""What remains when a run was interrupted or called off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tulia.core import left_behind, sql
from tulia.core.trace import Fate, Trace, WireReader
from tulia.ledger.claim import PutBack, put_back
from tulia.ledger.models import Recipient
from tulia.ledger.status import State
from tulia.tenants.scope import tenant_scope


@dataclass(frozen=True, slots=True)
class Disowned:
    """What became of people whose dispatcher is gone: those who may have been sent to, those who certainly weren't, and
    those who are left to their worker, because it lives."""

    unknown_count: int
    returned_count: int
    left_count: int = 0


def disown(
    tenant_id: UUID,
    sender_id: UUID,
    *,
    now: datetime,
    on_the_wire: WireReader = lambda _: Trace.LOST,
    worker_id: UUID | None = None,
    besides: UUID | None = None,
    since: datetime | None = None,
) -> Disowned:
    """Settles whoever was being sent to by a dispatcher that is gone; with `worker_id` only whom that worker claimed, with
    `besides` whom any other did.

    Called by the next dispatcher of the sender, which holds the sender's lock: nobody else begins to send. Who isn't
    in the dead worker's journal goes out again, and who is, or may be, is unknown. A worker that lives has some time for it
    from when the sender was taken over (`since`, now if not given); see `core.trace.fates`.
    """
    with tenant_scope(tenant_id):
        mine = Recipient.objects.filter(tenant_id=tenant_id)
        found = left_behind.sort_out(
            mine.filter(sender_id=sender_id, sending_at__isnull=False),
            now=now, on_the_wire=on_the_wire, worker_id=worker_id, besides=besides, since=since,
        )  # fmt: skip
        claims = mine.filter(pk__in=found[Fate.UNSENT]).values_list("id", "claimed_at")
        unsent = [PutBack(id_, claimed_at, now, reason="", counts=False) for id_, claimed_at in claims if claimed_at]
        put_back(tenant_id, unsent)
        mine.filter(pk__in=found[Fate.UNKNOWN]).update(
            state=State.UNKNOWN, reason="interrupted", sending_at=None, claimed_by=None
        )
    return Disowned(len(found[Fate.UNKNOWN]), len(unsent), len(found[Fate.LEFT]))


def call_off(tenant_id: UUID, campaign_id: UUID) -> int:
    """Everyone of a canceled campaign who hasn't been sent to is cancelled; the number of people."""
    with tenant_scope(tenant_id):
        return Recipient.objects.filter(tenant_id=tenant_id, campaign_id=campaign_id, due_at__isnull=False).update(
            state=State.CANCELLED, reason="canceled", due_at=None
        )


def has_open(tenant_id: UUID, sender_id: UUID, campaign_id: UUID) -> bool:
    """Whether anybody of this campaign is still to be sent to or being sent to."""
    with tenant_scope(tenant_id):
        mine = Recipient.objects.filter(tenant_id=tenant_id, campaign_id=campaign_id)
        return (
            mine.filter(due_at__isnull=False).exists()
            or mine.filter(sender_id=sender_id, sending_at__isnull=False).exists()
        )


def owners_of_messages(tenant_id: UUID, sender_id: UUID, message_ids: Sequence[str]) -> dict[str, int]:
    """The recipient of each of the provider's message ids that we know at this sender."""
    if not message_ids:
        return {}
    with tenant_scope(tenant_id):
        return dict(
            sql.fetch_all(
                sql.load("ledger", "match_messages"),
                {"tenant_id": tenant_id, "sender_id": sender_id, "message_ids": list(message_ids)},
            )
        )


def latest_sends(
    tenant_id: UUID, sender_id: UUID, asked: Sequence[tuple[str, datetime]], *, window: timedelta
) -> dict[int, int]:
    """For each (phone, time) by its position: whom we sent the latest campaign message to before that time."""
    if not asked:
        return {}
    with tenant_scope(tenant_id):
        return dict(
            sql.fetch_all(
                sql.load("ledger", "latest_sends"),
                {
                    "tenant_id": tenant_id,
                    "sender_id": sender_id,
                    "positions": list(range(len(asked))),
                    "phones": [phone for phone, _ in asked],
                    "ats": [at for _, at in asked],
                    "window": window,
                },
            )
        )
