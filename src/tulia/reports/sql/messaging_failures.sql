-- How many messages of a tenant's campaigns failed for good within a span of time, taken by the provider or not.
-- params: tenant_id uuid, since timestamptz, until timestamptz (whole minutes both)
-- returns: people
SELECT COALESCE(sum(failed), 0)::bigint
FROM ledger_minutes
WHERE tenant_id = %(tenant_id)s::uuid AND minute >= %(since)s::timestamptz AND minute < %(until)s::timestamptz
