-- Claims what is due for one subscription, the longest due first. Nobody else takes it until the claim lapses; a worker
-- that dies leaves it to be claimed again then.
-- params: tenant_id uuid, subscription_id uuid, now timestamptz, until timestamptz, batch int
-- returns: delivery_id, attempt_count, event_id, type, occurred_at, data (as text)
-- locks: the claimed deliveries (SKIP LOCKED); writes: webhook_deliveries
WITH due AS (
    SELECT d.id
    FROM webhook_deliveries d
    WHERE d.tenant_id = %(tenant_id)s::uuid AND d.subscription_id = %(subscription_id)s::uuid
      AND d.next_attempt_at <= %(now)s::timestamptz
      AND EXISTS (
          SELECT FROM webhook_subscriptions s WHERE s.id = %(subscription_id)s::uuid AND s.is_enabled
      )
    ORDER BY d.next_attempt_at, d.id
    LIMIT %(batch)s::int
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE webhook_deliveries d
    SET next_attempt_at = %(until)s::timestamptz
    FROM due
    WHERE d.id = due.id
    RETURNING d.id, d.attempt_count, d.event_id
)
SELECT claimed.id, claimed.attempt_count, e.id, e.type, e.occurred_at, e.data::text
FROM claimed
JOIN webhook_events e ON e.id = claimed.event_id AND e.tenant_id = %(tenant_id)s::uuid
ORDER BY claimed.event_id
