-- How many campaign messages a tenant has sent since an instant.
-- params: tenant_id uuid, since timestamptz
-- returns: used
SELECT count(*)
FROM ledger_recipients r
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.claimed_at > %(since)s::timestamptz
