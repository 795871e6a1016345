-- Keeps callbacks as they came, many in one statement.
-- params: tenant_id uuid, sender_ids uuid[], bodies bytea[]
-- returns: nothing; writes: ingest_callbacks
INSERT INTO ingest_callbacks (tenant_id, sender_id, received_at, body)
SELECT %(tenant_id)s::uuid, given.sender_id, now(), given.body
FROM unnest(%(sender_ids)s::uuid[], %(bodies)s::bytea[]) WITH ORDINALITY AS given (sender_id, body, position)
ORDER BY given.position
