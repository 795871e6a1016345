-- How many messages of a tenant's campaigns failed for good within a span of time, taken by the provider or not.
-- params: tenant_id uuid, since timestamptz, until timestamptz
-- returns: people
SELECT count(*)
FROM ledger_recipients
WHERE tenant_id = %(tenant_id)s::uuid AND state = 30 AND failed_at IS NOT NULL
  AND failed_at >= %(since)s::timestamptz AND failed_at < %(until)s::timestamptz
