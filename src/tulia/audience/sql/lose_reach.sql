-- Notes when the provider said that customers' numbers have no WhatsApp, unless they have written since.
-- params: tenant_id uuid, customer_ids uuid[], ats timestamptz[]
-- returns: nothing
-- locks: the customers in order of id; writes: customers
WITH held AS (
    SELECT c.id, told.at
    FROM unnest(%(customer_ids)s::uuid[], %(ats)s::timestamptz[]) AS told (id, at)
    JOIN customers c ON c.id = told.id AND c.tenant_id = %(tenant_id)s::uuid
    LEFT JOIN conversations v ON v.tenant_id = c.tenant_id AND v.customer_id = c.id
    WHERE (v.last_inbound_at IS NULL OR v.last_inbound_at <= told.at)
      AND (c.unreachable_at IS NULL OR c.unreachable_at < told.at)
    ORDER BY c.id
    FOR NO KEY UPDATE OF c
)
UPDATE customers c
SET unreachable_at = held.at
FROM held
WHERE c.id = held.id
