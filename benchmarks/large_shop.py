"""A shop of any size made straight in the database: customers, campaigns with all their evidence, conversions, messages.

Nothing here is random: every value comes from `hashtext` of a number, so that the same size is the same shop again.

It is filled by the database's superuser without triggers and foreign keys, and with indexes built once at the end; the
ledger's sums, which its triggers would have kept, are counted from it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
SMALL_CAMPAIGNS = 40

_CUSTOMERS = """
INSERT INTO customers (id, tenant_id, external_id, phone, name, language, timezone, country, attributes,
                       consents_promotional, created_at, updated_at)
SELECT md5(%(salt)s || n)::uuid, %(tenant)s, 'C-' || n, '+2547' || lpad(n::text, 8, '0'), 'Person ' || n, 'en', '',
       (ARRAY['KE', 'KE', 'KE', 'UG', 'TZ', ''])[1 + n %% 6], '{}', n %% 10 <> 0,
       %(now)s::timestamptz - n * interval '1 second', %(now)s
FROM generate_series(1, %(people)s::int) n
"""
_TAGS = """
INSERT INTO customer_tags (tenant_id, tag, customer_id)
SELECT %(tenant)s, 'tag ' || (n %% 150), md5(%(salt)s || n)::uuid
FROM generate_series(1, %(people)s::int) n
WHERE n %% 3 = 0
"""
# One campaign to everybody, then SMALL_CAMPAIGNS to a tenth each: together five times the people.
_RECIPIENTS = """
INSERT INTO ledger_recipients (tenant_id, campaign_id, customer_id, sender_id, arm, state, reason, attempts, claimed_at,
                               cost_micros, accepted_at, sent_at, delivered_at, read_at, failed_at, replied_at,
                               converted_at, message_id, failure_kind, failure_code)
SELECT %(tenant)s, %(campaign)s, customer_id, %(sender)s, CASE WHEN is_skipped THEN NULL ELSE position %% 2 END,
       CASE WHEN is_skipped THEN 11 WHEN is_failed THEN 30 WHEN lag_read IS NOT NULL THEN 50
            WHEN fate < 92 THEN 40 ELSE 25 END,
       CASE WHEN is_skipped THEN 'no_consent' ELSE '' END, CASE WHEN is_skipped THEN 0 ELSE 1 END,
       CASE WHEN NOT is_skipped THEN at END, CASE WHEN is_skipped THEN 0 ELSE 22500 END,
       CASE WHEN NOT is_skipped THEN at END,
       CASE WHEN NOT is_skipped AND NOT is_failed THEN at + interval '1 second' END,
       CASE WHEN NOT is_skipped AND NOT is_failed AND fate < 92 THEN at + interval '3 seconds' END,
       CASE WHEN NOT is_skipped AND NOT is_failed THEN at + lag_read * interval '1 second' END,
       CASE WHEN is_failed THEN at + interval '2 seconds' END,
       CASE WHEN NOT is_skipped AND NOT is_failed AND fate < 6 THEN at + lag_reply * interval '1 second' END,
       CASE WHEN NOT is_skipped AND NOT is_failed AND fate < 2 THEN at + (lag_reply * 3) * interval '1 second' END,
       CASE WHEN NOT is_skipped THEN 'wamid.' || left(%(campaign)s::text, 8) || position END,
       CASE WHEN is_failed THEN 'recipient' END, CASE WHEN is_failed THEN '131026' END
FROM (
    SELECT md5(%(salt)s || n)::uuid AS customer_id, position, n %% 10 = 0 AS is_skipped,
           abs(hashint8(position * 7)) %% 100 = 99 AS is_failed, abs(hashint8(position)) %% 100 AS fate,
           %(start)s::timestamptz + (position / 1000) * interval '1 second' AS at,
           CASE WHEN abs(hashint8(position)) %% 100 < 45
                THEN 20 + round(exp(4 + 6 * (abs(hashint8(position * 3)) %% 10000) / 10000.0)) END AS lag_read,
           60 + abs(hashint8(position * 5)) %% 200000 AS lag_reply
    FROM (SELECT n, row_number() OVER (ORDER BY hashint8(n)) AS position
          FROM generate_series(%(first)s::int, %(last)s::int) n) dealt
) fates
ORDER BY position
"""
_CONVERSIONS = """
INSERT INTO ledger_conversions (tenant_id, recipient_id, campaign_id, kind, source_id, converted_at, revenue_micros,
                                currency)
SELECT tenant_id, id, campaign_id, 'order', gen_random_uuid(), converted_at, 1000000 * (id %% 5000),
       CASE WHEN id %% 20 = 0 THEN 'USD' ELSE 'KES' END
FROM ledger_recipients
WHERE tenant_id = %(tenant)s AND converted_at IS NOT NULL
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at)
SELECT md5(%(salt)s || 'talk' || n)::uuid, %(tenant)s, md5(%(salt)s || n)::uuid, 'open', %(now)s, %(now)s
FROM generate_series(1, %(people)s::int / 5) n
"""
_MESSAGES = """
INSERT INTO messages (id, tenant_id, conversation_id, direction, message_type, text, sent_at)
SELECT gen_random_uuid(), %(tenant)s, md5(%(salt)s || 'talk' || (1 + n %% (%(people)s::int / 5)))::uuid,
       CASE n %% 2 WHEN 0 THEN 'inbound' ELSE 'outbound' END,
       CASE n %% 2 WHEN 0 THEN 'customer_inbound'
            ELSE (ARRAY['bot_response', 'manual_outbound', 'automated_transactional'])[1 + n %% 3] END,
       'Hello', %(now)s::timestamptz - (n %% 7776000) * interval '1 second'
FROM generate_series(1, %(people)s::int) n
"""

_TABLES = ("customers", "customer_tags", "conversations", "messages", "ledger_recipients", "ledger_conversions")
_SUMS = ("ledger_tallies", "ledger_minutes", "ledger_waits")
_COUNTERS = """
UPDATE message_campaigns m
SET delivery_count = t.sent, delivered_count = t.delivered, failed_count = t.failed, read_count = t.read,
    response_count = t.replied, conversion_count = t.converted, cost_micros = t.cost_micros
FROM (
    SELECT campaign_id, sum(sent) AS sent, COALESCE(sum(people) FILTER (WHERE state >= 40), 0) AS delivered,
           COALESCE(sum(people) FILTER (WHERE state = 30), 0) AS failed, sum(read) AS read, sum(replied) AS replied,
           sum(converted) AS converted, COALESCE(sum(cost_micros) FILTER (WHERE state <> 30), 0) AS cost_micros
    FROM ledger_tallies
    WHERE tenant_id = %(tenant)s
    GROUP BY campaign_id
) t
WHERE m.id = t.campaign_id
"""


@dataclass(frozen=True, slots=True)
class LargeShop:
    """A tenant with `people` customers, and the campaign that went to all of them."""

    tenant_id: UUID
    campaign_id: UUID | None
    people: int
    salt: str = ""


def open_shop(people: int, *, campaigns: int = SMALL_CAMPAIGNS + 1) -> LargeShop:
    """Makes everything, and analyzes the tables as autovacuum would. The first campaign goes to all, the others to a tenth."""
    from django.db import connection

    from tulia.campaigns.models import MessageCampaign
    from tulia.channels import senders
    from tulia.tenants import accounts
    from tulia.tenants.scope import tenant_scope

    tenant = accounts.create_tenant(f"large-{uuid.uuid4().hex[:8]}", name="Large", tier="enterprise")
    given: dict[str, Any] = {"tenant": tenant.id, "salt": tenant.slug, "people": people, "now": NOW}
    arms = [{"name": "A", "content": "Hello"}, {"name": "B", "content": "Hi"}]
    tenth = max(1, people // 10)
    with tenant_scope(tenant.id):
        sender = senders.create(
            tenant.id, kind="whatsapp_cloud", name="Main", external_id=str(uuid.uuid4().int % 10**15), access_token="t",
            app_secret="s", verify_token="v", base_url="", rate_per_second=80,
        )  # fmt: skip
        made = MessageCampaign.objects.bulk_create(
            MessageCampaign(
                tenant=tenant, name=f"Campaign {i}", message_content="Hello", sender=sender, status="completed",
                is_ab_test=True, variants=arms, started_at=_start(i), completed_at=NOW,
                audience_frozen_at=_start(i),
            )
            for i in range(campaigns)
        )  # fmt: skip
    with filling(*_TABLES) as database:
        for statement in (_CUSTOMERS, _TAGS, _CONVERSATIONS, _MESSAGES):
            database.execute(statement, given)
        for i, campaign in enumerate(made):
            first, last = (1, people) if i == 0 else (1 + (i % 10) * tenth, (1 + i % 10) * tenth)
            database.execute(
                _RECIPIENTS,
                given
                | {"campaign": campaign.pk, "sender": sender.pk, "start": _start(i), "first": first, "last": last},
            )
        database.execute(_CONVERSIONS, given)
    with filling() as database:
        for statement in (*_sums(), _COUNTERS):
            database.execute(statement, given)
    as_owner(f"VACUUM (ANALYZE) message_campaigns, {', '.join(_TABLES + _SUMS)}")
    connection.close()
    return LargeShop(tenant.id, made[0].pk if made else None, people, tenant.slug)


@contextlib.contextmanager
def filling(*tables: str) -> Iterator[Any]:
    """A connection of the embedded database's superuser on which no trigger fires; these tables' indexes are built at its end."""
    import psycopg

    url = os.environ["TULIA_OWNER_DATABASE_URL"].replace("//tulia_owner@", "//postgres@")
    ready = "UPDATE pg_index SET indisready = %s, indisvalid = %s WHERE indrelid = ANY(%s::regclass[])"
    with psycopg.connect(url, autocommit=True) as database:
        for setting in ("session_replication_role = replica", "maintenance_work_mem = '512MB'", "work_mem = '256MB'"):
            database.execute(f"SET {setting}")
        database.execute(ready, [False, False, list(tables)])
        yield database
        database.execute(ready, [True, True, list(tables)])
        for table in tables:
            database.execute(f"REINDEX TABLE {table}")


def _sums() -> Iterator[str]:
    """The statements that count the ledger's sums, as the migration that brought them did; for one tenant."""
    counted = importlib.import_module("tulia.ledger.migrations.0009_counted_as_it_happens").COUNT_WHAT_IS_THERE
    mine = "FROM (SELECT * FROM ledger_recipients WHERE tenant_id = %(tenant)s) c"
    for statement in counted.split(";"):
        if statement.strip().startswith("INSERT INTO"):
            yield statement.replace("FROM ledger_recipients c", mine)


def as_owner(statement: str) -> None:
    """Runs what only the owner of the tables may."""
    import psycopg

    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(statement)


def _start(number: int) -> datetime:
    return NOW - timedelta(days=5 + number)
