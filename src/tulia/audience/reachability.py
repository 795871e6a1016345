"""Who can't be reached on WhatsApp, as far as the provider told us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tulia.core import sql

LASTS = timedelta(days=90)
"""For how long it is believed: people join WhatsApp, and numbers change hands."""


def lose(tenant_id: UUID, told: Mapping[UUID, datetime]) -> None:
    """Notes for each customer when the provider said that their number has no WhatsApp; the latest stands.

    Whoever has written since then can be reached all the same. Call in the tenant's scope.
    """
    if told:
        ordered = sorted(told)
        sql.execute(
            sql.load("audience", "lose_reach"),
            {"tenant_id": tenant_id, "customer_ids": ordered, "ats": [told[one] for one in ordered]},
        )


def regain(tenant_id: UUID, phones: Sequence[str]) -> None:
    """Whoever writes can be reached. Call in the tenant's scope."""
    if phones:
        sql.execute(sql.load("audience", "regain_reach"), {"tenant_id": tenant_id, "phones": sorted(set(phones))})
