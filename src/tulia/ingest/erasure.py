"""Erasing a person from what providers told us. Called in the tenant's scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from tulia.audience import erasure as erasures
from tulia.channels import registry
from tulia.channels.types import StatusUpdate
from tulia.core import clock, sql
from tulia.ingest.models import Callback, EarlyStatus
from tulia.ledger import erasure as ledger_erasure
from tulia.ledger import reference

_BATCH = 500
_LATEST_RECEIPT = timedelta(days=35)
"""Providers try for weeks to deliver a message, and tell of it then."""


def erase(tenant_id: UUID, phone: str) -> int:
    """Takes the person out of every stored callback; the number of callbacks that spoke of them. Without a phone, none.

    Replaying what is left changes nothing: what it said of this person was applied before, and stays counted.
    """
    count = 0
    if not phone:
        return count
    for redaction in registry.REDACTIONS.values():
        marks = redaction.marks_of(phone)
        beyond = 0
        while rows := sql.fetch_all(
            sql.load("ingest", "find_mentions"),
            {"tenant_id": tenant_id, "marks": [mark.encode() for mark in marks], "beyond": beyond, "batch": _BATCH},
        ):
            for callback_id, body in rows:
                Callback.objects.filter(pk=callback_id).update(body=redaction.without(bytes(body), marks))
            beyond = rows[-1][0]
            count += len(rows)
        for mark in marks:
            EarlyStatus.objects.filter(tenant_id=tenant_id, message_id__contains=mark).delete()
    return count


def erase_late(tenant_id: UUID, bodies: Mapping[int, bytes], statuses: Sequence[StatusUpdate]) -> None:
    """Takes erased people out of callbacks that speak of messages they got before, once these are applied.

    Nobody knows their numbers any more, but the provider's ids of the messages tell them.
    """
    if not statuses or not erasures.any_since(tenant_id, clock.now() - _LATEST_RECEIPT):
        return
    named = {name[1]: status.message_id for status in statuses if (name := reference.read(status.reference))}
    erased = ledger_erasure.erased_among(tenant_id, list(named))
    for redaction in registry.REDACTIONS.values():
        marks = tuple({mark for one in erased for mark in redaction.marks_in(named[one])})
        for callback_id, body in bodies.items() if marks else ():
            if any(mark.encode() in body for mark in marks):
                Callback.objects.filter(pk=callback_id).update(body=redaction.without(body, marks))
