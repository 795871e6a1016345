-- The stored callbacks of a tenant that hold one of these texts, in order, from a place on. Reads them all: for erasing.
-- params: tenant_id uuid, marks bytea[], beyond bigint, batch int
-- returns: id, body
-- locks: those callbacks
SELECT c.id, c.body
FROM ingest_callbacks c
WHERE c.tenant_id = %(tenant_id)s::uuid AND c.id > %(beyond)s::bigint
  AND EXISTS (SELECT FROM unnest(%(marks)s::bytea[]) AS mark WHERE position(mark IN c.body) > 0)
ORDER BY c.id
LIMIT %(batch)s::int
FOR UPDATE OF c
