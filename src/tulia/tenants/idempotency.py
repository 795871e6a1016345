"""Making a repeated request harmless: the first one's answer is kept under its key for a day and given again.

The claim is committed before the work begins, so of two requests at once only one works. Answers may hold people's
data and are encrypted.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tulia.core import clock, crypto
from tulia.core.errors import Conflict, Invalid
from tulia.tenants.models import IdempotentRequest
from tulia.tenants.scope import tenant_scope

KEPT = timedelta(hours=24)
MAX_KEY_LENGTH = 255
_SLOWEST_REQUEST = timedelta(minutes=2)


class KeyReused(Conflict):
    code = "idempotency_key_reused"


class InProgress(Conflict):
    code = "in_progress"


class OutcomeUnknown(Conflict):
    """The first request never reported its end (its process died): repeating it by ourselves could do it twice."""

    code = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do the work of one key, to be ended by `keep` or `release`."""

    tenant_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that the first request with this key got."""

    status: int
    body: str


def claim(tenant_id: UUID, *, key: str, fingerprint: str) -> Claim | StoredAnswer:
    """The right to work, or the answer of the work done before.

    `fingerprint` stands for everything that makes two requests the same. Raises KeyReused when it differs from the
    first one's, InProgress and OutcomeUnknown when there is no answer yet, Invalid for a key of a wrong form.
    """
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise Invalid(f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
    now = clock.now()
    mine = IdempotentRequest(id=uuid.uuid4(), tenant_id=tenant_id, key=key, fingerprint=fingerprint, created_at=now)
    with tenant_scope(tenant_id):
        IdempotentRequest.objects.filter(tenant_id=tenant_id, created_at__lt=now - KEPT).delete()
        IdempotentRequest.objects.bulk_create([mine], ignore_conflicts=True)
        first = IdempotentRequest.objects.get(tenant_id=tenant_id, key=key)
    if first.id == mine.id:
        return Claim(tenant_id, mine.id)
    if first.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used for a different request: choose a new key.")
    if first.status is not None:
        return StoredAnswer(first.status, crypto.decrypt(first.answer_encrypted))
    if now - first.created_at > _SLOWEST_REQUEST:
        raise OutcomeUnknown(
            "The first request with this key was interrupted: look whether it took effect, then use a new key."
        )
    raise InProgress("The first request with this key is still being worked on: ask again in a moment.")


def keep(held: Claim, *, status: int, body: str) -> None:
    """Keeps the answer for those who repeat the request."""
    with tenant_scope(held.tenant_id):
        IdempotentRequest.objects.filter(tenant_id=held.tenant_id, id=held.id).update(
            status=status, answer_encrypted=crypto.encrypt(body)
        )


def release(held: Claim) -> None:
    """Gives the key back: nothing was done, so the request may be tried again."""
    with tenant_scope(held.tenant_id):
        IdempotentRequest.objects.filter(tenant_id=held.tenant_id, id=held.id).delete()


def forget(tenant_id: UUID, texts: Sequence[str]) -> int:
    """Empties the kept answers that hold one of these texts; their requests still aren't carried out twice.

    Call in the tenant's scope. Answers are encrypted, so every one of the last day is opened.
    """
    count = 0
    kept = IdempotentRequest.objects.filter(tenant_id=tenant_id, status__isnull=False)
    for id_, answer in kept.values_list("id", "answer_encrypted").iterator():
        said = crypto.decrypt(answer)
        if any(text in said for text in texts):
            kept.filter(id=id_).update(answer_encrypted=crypto.encrypt("{}"))
            count += 1
    return count
