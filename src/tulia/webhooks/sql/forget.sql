-- Deletes the oldest events of a tenant that were recorded before an instant, with their deliveries and the log.
-- params: tenant_id uuid, before timestamptz, batch int
-- returns: nothing; the row count is the number of events
-- locks: the events; writes: webhook_events, webhook_deliveries, webhook_attempts
WITH old AS MATERIALIZED (
    SELECT e.id
    FROM webhook_events e
    WHERE e.tenant_id = %(tenant_id)s::uuid AND e.recorded_at < %(before)s::timestamptz
    ORDER BY e.recorded_at
    LIMIT %(batch)s::int
    FOR UPDATE SKIP LOCKED
), deliveries AS (
    DELETE FROM webhook_deliveries d
    USING old, webhook_subscriptions s
    WHERE s.tenant_id = %(tenant_id)s::uuid AND d.tenant_id = %(tenant_id)s::uuid
      AND d.subscription_id = s.id AND d.event_id = old.id
    RETURNING d.id
), log AS (
    DELETE FROM webhook_attempts a
    USING deliveries
    WHERE a.tenant_id = %(tenant_id)s::uuid AND a.delivery_id = deliveries.id
)
DELETE FROM webhook_events e
USING old
WHERE e.tenant_id = %(tenant_id)s::uuid AND e.id = old.id
