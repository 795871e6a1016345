-- The subscriptions, of any tenant, for which something is due: one look into an index for each that is enabled.
-- params: now timestamptz
-- returns: tenant_id, subscription_id
SELECT s.tenant_id, s.id
FROM webhook_subscriptions s
WHERE s.is_enabled
  AND EXISTS (
      SELECT FROM webhook_deliveries d
      WHERE d.subscription_id = s.id AND d.next_attempt_at <= %(now)s::timestamptz
  )
