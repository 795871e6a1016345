-- Forgets that these numbers couldn't be reached: somebody has written from them.
-- params: tenant_id uuid, phones text[]
-- returns: nothing
-- locks: the customers in order of id; writes: customers
WITH held AS (
    SELECT c.id
    FROM customers c
    WHERE c.tenant_id = %(tenant_id)s::uuid AND c.phone = ANY (%(phones)s::text[]) AND c.deleted_at IS NULL
      AND c.unreachable_at IS NOT NULL
    ORDER BY c.id
    FOR NO KEY UPDATE
)
UPDATE customers c
SET unreachable_at = NULL
FROM held
WHERE c.id = held.id
