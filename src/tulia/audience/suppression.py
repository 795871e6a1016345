"""Numbers of erased people who had opted out: kept one way, so that nobody else's list opts them in again.

Everything here is called in the tenant's scope.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from tulia.audience import consent
from tulia.audience.models import Customer, Suppression
from tulia.core import crypto


def add(tenant_id: UUID, phone: str, *, at: datetime) -> None:
    Suppression.objects.bulk_create(
        [Suppression(tenant_id=tenant_id, phone_hmac=_mark(tenant_id, phone), suppressed_at=at)], ignore_conflicts=True
    )


def lift(tenant_id: UUID, phone: str) -> None:
    """The person's own later word counts."""
    Suppression.objects.filter(tenant_id=tenant_id, phone_hmac=_mark(tenant_id, phone)).delete()


def among(tenant_id: UUID, phones: Iterable[str]) -> frozenset[str]:
    """Those of these phones that are suppressed."""
    if not Suppression.objects.filter(tenant_id=tenant_id).exists():
        return frozenset()
    marks = {_mark(tenant_id, phone): phone for phone in phones}
    found = Suppression.objects.filter(tenant_id=tenant_id, phone_hmac__in=list(marks))
    return frozenset(marks[mark] for mark in found.values_list("phone_hmac", flat=True))


def unknown_among(tenant_id: UUID, phones: Iterable[str]) -> frozenset[str]:
    """The suppressed ones of these phones that belong to no customer now: `withhold` when there is one."""
    suppressed = among(tenant_id, phones)
    if not suppressed:
        return suppressed
    known = Customer.objects.filter(tenant_id=tenant_id, phone__in=suppressed, deleted_at=None)
    return suppressed - frozenset(known.values_list("phone", flat=True))


def withhold(tenant_id: UUID, phones: Iterable[str], *, at: datetime) -> None:
    """Takes the consents away that these new customers began with."""
    if people := list(phones):
        consent.withdraw(
            tenant_id, people, at=at, source="system_default", actor="system",
            reason="an erased person with this number had opted out",
        )  # fmt: skip


def _mark(tenant_id: UUID, phone: str) -> str:
    return hmac.new(crypto.derive("suppressed numbers"), f"{tenant_id}:{phone}".encode(), hashlib.sha256).hexdigest()
