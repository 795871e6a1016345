"""Erasing a person from what providers told us. Called in the tenant's scope."""

from __future__ import annotations

from uuid import UUID

from tulia.channels import registry
from tulia.core import sql
from tulia.ingest.models import Callback, EarlyStatus

_BATCH = 500


def erase(tenant_id: UUID, phone: str) -> int:
    """Takes the person out of every stored callback; the number of callbacks that spoke of them.

    Replaying what is left changes nothing: what it said of this person was applied before, and stays counted.
    """
    count = 0
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
