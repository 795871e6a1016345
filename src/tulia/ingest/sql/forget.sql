-- Deletes the oldest raw callbacks of a tenant that came before a time and are in the ledger, some at once. They are found
-- by their ids, which rise with time.
-- params: tenant_id uuid, before timestamptz, batch int
-- returns: nothing; the row count is how many
-- locks: the callbacks, passing over those that somebody has in hand; writes: ingest_callbacks
DELETE FROM ingest_callbacks c
WHERE c.tenant_id = %(tenant_id)s::uuid AND c.id = ANY (ARRAY(
    SELECT o.id
    FROM ingest_callbacks o
    WHERE o.tenant_id = %(tenant_id)s::uuid AND o.received_at < %(before)s::timestamptz AND o.applied_at IS NOT NULL
    ORDER BY o.id
    LIMIT %(batch)s::int
    FOR UPDATE SKIP LOCKED
))
