"""What remains when a run was interrupted or called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tulia.core import sql
from tulia.ledger.models import Recipient
from tulia.ledger.status import State
from tulia.tenants.scope import tenant_scope


def disown(tenant_id: UUID, sender_id: UUID) -> int:
    """Marks unknown whoever was being sent to by a dispatcher that is gone; the number of people.

    Called by the next dispatcher of the sender, which holds the sender's lock: nobody else can be sending.
    """
    with tenant_scope(tenant_id):
        return Recipient.objects.filter(tenant_id=tenant_id, sender_id=sender_id, sending_at__isnull=False).update(
            state=State.UNKNOWN, reason="interrupted", sending_at=None
        )


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
