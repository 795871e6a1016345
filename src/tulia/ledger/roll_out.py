"""Giving the rest of an audience what the test came to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tulia.core import sql
from tulia.ledger.status import NEVER_BY_ITSELF
from tulia.tenants.scope import tenant_scope

BATCH = 20_000


def give(tenant_id: UUID, campaign_id: UUID, variant: int | None, *, now: datetime) -> int:
    """Makes everybody due who waited for the winner, with this variant; without one they are passed over. The number.

    A batch at a time, each in a transaction of its own: after a crash the next call goes on where this one ended.
    """
    given = 0
    while True:
        with tenant_scope(tenant_id):
            count = sql.execute(
                sql.load("ledger", "roll_out"),
                {
                    "tenant_id": tenant_id,
                    "campaign_id": campaign_id,
                    "arm": variant,
                    "never": NEVER_BY_ITSELF,
                    "now": now,
                    "batch": BATCH,
                },
            )
        given += count
        if count < BATCH:
            return given
