-- The subscriptions, of any tenant, for which something is due: one look into an index for each that is enabled. The
-- LIMIT keeps the planner from joining the two instead, which reads all that waits: 500 ms with 150,000 waiting.
-- params: now timestamptz
-- returns: tenant_id, subscription_id
SELECT s.tenant_id, s.id
FROM webhook_subscriptions s
CROSS JOIN LATERAL (
    SELECT FROM webhook_deliveries d
    WHERE d.subscription_id = s.id AND d.next_attempt_at <= %(now)s::timestamptz
    ORDER BY d.next_attempt_at
    LIMIT 1
) first
WHERE s.is_enabled
