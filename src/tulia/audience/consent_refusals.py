"""Sends that were refused for want of consent, outside a campaign's run. Called in the tenant's scope."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tulia.audience.models import ConsentRefusal


def note(
    tenant_id: UUID, customer_id: UUID, *, campaign_id: UUID, act: str, reason: str, actor: str, at: datetime
) -> None:
    """Keeps that `actor` asked for a send to somebody who doesn't agree, and that nothing was sent."""
    ConsentRefusal.objects.create(
        tenant_id=tenant_id, customer_id=customer_id, campaign_id=campaign_id, act=act, reason=reason,
        actor=actor[:200], refused_at=at,
    )  # fmt: skip
