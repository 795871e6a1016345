"""Erasing a person from the ledger: their rows stay as anonymous numbers. Called in the tenant's scope."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tulia.ledger.models import Recipient
from tulia.ledger.status import State

ERASED = "erased"
"""Stands where the provider's id of a message was, which may hold the phone number. It is less than any such id, and the
least id is kept (ledger/sql/record.sql): so a callback that comes later doesn't bring the number back."""


def erase(tenant_id: UUID, customer_id: UUID) -> int:
    """Whoever waits is skipped, and message ids are taken out; the number of messages that won't be sent."""
    mine = Recipient.objects.filter(tenant_id=tenant_id, customer_id=customer_id)
    waiting = mine.filter(due_at__isnull=False).update(state=State.SKIPPED, reason=ERASED, due_at=None)
    mine.filter(claimed_at__isnull=False).update(message_id=ERASED)
    return waiting


def erased_among(tenant_id: UUID, recipient_ids: Sequence[int]) -> frozenset[int]:
    """Those of these recipients who were erased."""
    mine = Recipient.objects.filter(tenant_id=tenant_id, pk__in=recipient_ids, message_id=ERASED)
    return frozenset(mine.values_list("id", flat=True))
