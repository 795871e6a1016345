-- Puts the events of a period on their way to one subscription again, those it never was sent included; what is on its
-- way already is due now.
-- params: tenant_id uuid, subscription_id uuid, since timestamptz, until timestamptz, now timestamptz
-- returns: nothing; the row count is the number of events
-- locks: the deliveries that exist; writes: webhook_deliveries
INSERT INTO webhook_deliveries (id, tenant_id, subscription_id, event_id, state, attempt_count, next_attempt_at,
                                last_error, last_response)
SELECT webhooks_new_id(), e.tenant_id, s.id, e.id, 'pending', 0, %(now)s::timestamptz, '', ''
FROM webhook_subscriptions s
JOIN webhook_events e ON e.tenant_id = s.tenant_id AND e.type = ANY (s.event_types)
WHERE s.tenant_id = %(tenant_id)s::uuid AND s.id = %(subscription_id)s::uuid
  AND e.tenant_id = %(tenant_id)s::uuid
  AND e.recorded_at >= %(since)s::timestamptz AND e.recorded_at < %(until)s::timestamptz
ORDER BY e.id
ON CONFLICT (subscription_id, event_id) DO UPDATE
SET state = 'pending', attempt_count = 0, next_attempt_at = EXCLUDED.next_attempt_at
