"""An installation that is older than the ledger's sums gets them when it is migrated, for all its tenants."""

from __future__ import annotations

import importlib
import os
from datetime import timedelta

import psycopg

from cast import NOW, add_campaign, add_people, add_sender, recipients, start
from tulia.ledger import record
from tulia.ledger.claim import claim
from tulia.ledger.record import Evidence, Kind
from tulia.tenants.models import Tenant

SUMS = ("ledger_tallies", "ledger_minutes", "ledger_waits", "ledger_outcomes")
EMPTY = {
    "ledger_tallies": "people > 0",
    "ledger_minutes": "sent + delivered + read + replied + converted + failed > 0",
    "ledger_waits": "people > 0",
    "ledger_outcomes": "people > 0",
}


def everything(connection: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    """All sums that aren't zero, as text, in order; seconds to the millisecond, for they are added in another order."""
    return {
        table: sorted(
            tuple(round(cell, 3) if isinstance(cell, float) else str(cell) for cell in row)
            for row in connection.execute(f"SELECT * FROM {table} WHERE {EMPTY[table]}")
        )
        for table in SUMS
    }


def test_what_was_there_is_counted_as_if_it_had_been_counted_all_along(tenant: Tenant) -> None:
    variants = [{"name": "A", "content": "a"}, {"name": "B", "content": "b"}]
    add_sender(tenant)
    add_people(tenant, 40)
    campaign = start(add_campaign(tenant, is_ab_test=True, variants=variants, holdout_percent=10))
    claim(tenant.id, campaign.pk, now=NOW, batch=40)
    rows = [row for row in recipients(campaign) if row.arm is not None]
    told = [
        Evidence(row.pk, kind, NOW + timedelta(minutes=n))
        for n, kind in enumerate((Kind.SENT, Kind.READ))
        for row in rows
    ]
    told += [Evidence(row.pk, Kind.REPLIED, NOW + timedelta(minutes=row.pk % 9)) for row in rows[:9]]
    record.record(tenant.id, rows[0].sender_id, told)
    migration = importlib.import_module("tulia.ledger.migrations.0009_counted_as_it_happens")
    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"]) as connection:
        for table in SUMS:
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        before = everything(connection)
        connection.execute(f"TRUNCATE {', '.join(SUMS)}")
        for table in SUMS:
            connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        connection.execute(migration.COUNT_WHAT_IS_THERE)
        for table in SUMS:
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        after = everything(connection)
        connection.rollback()
    assert all(before.values())
    assert after == before
