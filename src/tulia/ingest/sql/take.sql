-- The oldest callbacks of a tenant that aren't in the ledger yet, for one applier alone.
-- params: tenant_id uuid, batch int
-- returns: id, sender_id, body
-- locks: the callbacks, passing over those of another applier
SELECT id, sender_id, body
FROM ingest_callbacks
WHERE tenant_id = %(tenant_id)s::uuid AND applied_at IS NULL
ORDER BY id
LIMIT %(batch)s::int
FOR UPDATE SKIP LOCKED
