"""Events are written by triggers, in the transaction of the fact, and only for tenants that are listening.

See docs/decisions/0009-events-by-triggers.md for why, and for what it costs everybody else.
"""

from django.db import migrations

# Ids that rise with time (UUID version 7), so that a million of them go to the end of an index and not all over it.
NEW_ID = """
CREATE FUNCTION webhooks_new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid
$$;
"""

# Whether the tenant of this transaction listens to any of these types. Without parameters of its own in the query, so
# that PostgreSQL keeps the plan; callers spell it out for the same reason.
LISTENS = """EXISTS (
        SELECT FROM webhook_subscriptions s
        WHERE s.is_enabled AND s.tenant_id = NULLIF(current_setting('tulia.tenant_id', true), '')::uuid
          AND s.event_types && '{%s}'::varchar[]
    )"""

EMIT = """
CREATE FUNCTION webhooks_emit(types text[], ats timestamptz[], datas jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid := NULLIF(current_setting('tulia.tenant_id', true), '')::uuid;
BEGIN
    WITH listening AS MATERIALIZED (
        SELECT s.id, s.event_types FROM webhook_subscriptions s WHERE s.tenant_id = tenant AND s.is_enabled
    ), emitted AS (
        INSERT INTO webhook_events (id, tenant_id, type, occurred_at, recorded_at, data)
        SELECT webhooks_new_id(), tenant, fact.type, fact.at, clock_timestamp(), fact.data
        FROM unnest(types, ats, datas) AS fact (type, at, data)
        WHERE EXISTS (SELECT FROM listening l WHERE fact.type = ANY (l.event_types))
        RETURNING id, type
    )
    INSERT INTO webhook_deliveries (id, tenant_id, subscription_id, event_id, state, attempt_count, next_attempt_at,
                                    last_error, last_response)
    SELECT webhooks_new_id(), tenant, l.id, e.id, 'pending', 0, clock_timestamp(), '', ''
    FROM emitted e
    JOIN listening l ON e.type = ANY (l.event_types);
END $$;
"""

# The planner takes the two sets of rows for one row each, and would compare each with each: hence no nested loops.
RECIPIENTS = f"""
CREATE FUNCTION webhooks_note_recipients() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
BEGIN
    IF NOT {LISTENS % "recipient.sent,recipient.delivered,recipient.read,recipient.replied,recipient.failed,recipient.skipped"} THEN
        RETURN NULL;
    END IF;
    PERFORM webhooks_emit(array_agg(f.type ORDER BY f.at, f.rank), array_agg(f.at ORDER BY f.at, f.rank),
                          array_agg(f.data ORDER BY f.at, f.rank))
    FROM (
        SELECT fact.type, fact.at, fact.rank,
               jsonb_build_object('campaign_id', n.campaign_id, 'customer_id', n.customer_id, 'variant', n.arm)
                   || fact.more AS data
        FROM old_rows o
        JOIN new_rows n ON n.id = o.id
        CROSS JOIN LATERAL (VALUES
            (1, 'recipient.sent', n.accepted_at, '{{}}'::jsonb, o.accepted_at IS NULL AND n.accepted_at IS NOT NULL),
            (2, 'recipient.delivered', COALESCE(n.delivered_at, n.read_at, n.replied_at, now()), '{{}}',
                o.state < 40 AND n.state >= 40),
            (3, 'recipient.read', n.read_at, '{{}}', o.read_at IS NULL AND n.read_at IS NOT NULL),
            (4, 'recipient.replied', n.replied_at, '{{}}', o.replied_at IS NULL AND n.replied_at IS NOT NULL),
            (5, 'recipient.failed', COALESCE(n.failed_at, now()),
                jsonb_build_object('failure_kind', n.failure_kind, 'failure_code', n.failure_code),
                o.state <> 30 AND n.state = 30),
            (6, 'recipient.skipped', now(), jsonb_build_object('reason', n.reason), o.state <> 11 AND n.state = 11)
        ) AS fact (rank, type, at, more, happened)
        WHERE fact.happened
    ) f
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_recipients AFTER UPDATE ON ledger_recipients
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_note_recipients();
"""

CONVERSIONS = f"""
CREATE FUNCTION webhooks_note_conversions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT {LISTENS % "recipient.converted"} THEN
        RETURN NULL;
    END IF;
    PERFORM webhooks_emit(array_agg('recipient.converted'::text ORDER BY n.id), array_agg(n.converted_at ORDER BY n.id),
                          array_agg(jsonb_build_object(
                              'campaign_id', n.campaign_id, 'customer_id', r.customer_id, 'variant', r.arm,
                              'kind', n.kind, 'source_id', n.source_id, 'revenue_micros', n.revenue_micros, 'currency', n.currency) ORDER BY n.id))
    FROM new_rows n
    JOIN ledger_recipients r ON r.id = n.recipient_id
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_conversions AFTER INSERT ON ledger_conversions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_note_conversions();
"""

# The first line of a history (nothing was known before) comes with the making of the customer and is no change.
CONSENTS = f"""
CREATE FUNCTION webhooks_note_consents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT {LISTENS % "customer.opted_out,customer.opted_in"} THEN
        RETURN NULL;
    END IF;
    PERFORM webhooks_emit(array_agg(f.type ORDER BY f.changed_at), array_agg(f.changed_at ORDER BY f.changed_at),
                          array_agg(f.data ORDER BY f.changed_at))
    FROM (
        SELECT CASE WHEN n.new_value THEN 'customer.opted_in' ELSE 'customer.opted_out' END AS type, n.changed_at,
               jsonb_build_object('customer_id', n.customer_id, 'source', n.source,
                                  'consents', jsonb_agg(n.consent_type ORDER BY n.consent_type)) AS data
        FROM new_rows n
        WHERE n.old_value <> n.new_value
        GROUP BY n.customer_id, n.new_value, n.changed_at, n.source
    ) f
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_consents AFTER INSERT ON consent_changes
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_note_consents();
"""

# By row, for here a statement moves a few campaigns at most; and with a list of columns, so that the counters, which
# change a thousand times a second, never come near it.
CAMPAIGNS = f"""
CREATE FUNCTION webhooks_note_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.status ELSE 'draft' END;
    what text := CASE NEW.status
        WHEN 'scheduled' THEN 'campaign.scheduled'
        WHEN 'sending' THEN CASE WHEN was = 'paused' THEN 'campaign.resumed' ELSE 'campaign.started' END
        WHEN 'paused' THEN 'campaign.paused'
        WHEN 'completed' THEN 'campaign.completed'
        WHEN 'canceled' THEN 'campaign.canceled'
    END;
    at timestamptz := CASE what
        WHEN 'campaign.started' THEN COALESCE(NEW.started_at, now())
        WHEN 'campaign.completed' THEN COALESCE(NEW.completed_at, now())
        ELSE now()
    END;
BEGIN
    IF what IS NULL OR NOT {LISTENS % "campaign.scheduled,campaign.started,campaign.paused,campaign.resumed,campaign.completed,campaign.canceled"} THEN
        RETURN NULL;
    END IF;
    PERFORM webhooks_emit(ARRAY[what], ARRAY[at], ARRAY[jsonb_build_object(
        'campaign_id', NEW.id, 'status', NEW.status, 'reason', NEW.status_reason, 'scheduled_at', NEW.scheduled_at,
        'started_at', NEW.started_at, 'completed_at', NEW.completed_at, 'delivery_count', NEW.delivery_count,
        'delivered_count', NEW.delivered_count, 'failed_count', NEW.failed_count, 'read_count', NEW.read_count,
        'response_count', NEW.response_count, 'conversion_count', NEW.conversion_count)]);
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_campaign_made AFTER INSERT ON message_campaigns
    FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION webhooks_note_campaign();
CREATE TRIGGER webhooks_campaign_moved AFTER UPDATE OF status ON message_campaigns
    FOR EACH ROW WHEN (OLD.status <> NEW.status OR (NEW.status = 'scheduled' AND OLD.scheduled_at <> NEW.scheduled_at))
    EXECUTE FUNCTION webhooks_note_campaign();
"""

UNDO = """
DROP TRIGGER webhooks_campaign_moved ON message_campaigns;
DROP TRIGGER webhooks_campaign_made ON message_campaigns;
DROP TRIGGER webhooks_consents ON consent_changes;
DROP TRIGGER webhooks_conversions ON ledger_conversions;
DROP TRIGGER webhooks_recipients ON ledger_recipients;
DROP FUNCTION webhooks_note_campaign();
DROP FUNCTION webhooks_note_consents();
DROP FUNCTION webhooks_note_conversions();
DROP FUNCTION webhooks_note_recipients();
DROP FUNCTION webhooks_emit(text[], timestamptz[], jsonb[]);
DROP FUNCTION webhooks_new_id();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0002_isolation"),
        ("ledger", "0005_who_claimed"),
        ("campaigns", "0002_isolation"),
        ("audience", "0005_fewer_checks_and_listing_by_age"),
    ]
    operations = [migrations.RunSQL(NEW_ID + EMIT + RECIPIENTS + CONVERSIONS + CONSENTS + CAMPAIGNS, UNDO)]
