-- Callbacks that are stored and not in the ledger yet. Goes from tenant to tenant along the index of those to be applied,
-- because each tenant's first is its oldest.
-- params: most int (so many are counted at most)
-- returns: how many wait, for how many seconds the one that waits longest
WITH RECURSIVE first AS (
    (SELECT c.tenant_id, c.received_at FROM ingest_callbacks c WHERE c.applied_at IS NULL ORDER BY c.tenant_id, c.id LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.received_at
    FROM first f
    CROSS JOIN LATERAL (
        SELECT c.tenant_id, c.received_at FROM ingest_callbacks c
        WHERE c.applied_at IS NULL AND c.tenant_id > f.tenant_id
        ORDER BY c.tenant_id, c.id LIMIT 1
    ) n
)
SELECT (SELECT count(*) FROM (SELECT FROM ingest_callbacks c WHERE c.applied_at IS NULL LIMIT %(most)s::int) counted)::int,
       COALESCE((SELECT extract(epoch FROM now() - min(f.received_at)) FROM first f), 0)::float8
