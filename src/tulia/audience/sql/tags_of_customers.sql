-- The tags of some customers, in order.
-- params: tenant_id uuid, customer_ids uuid[]
-- returns: customer_id, tag
SELECT customer_id, tag
FROM customer_tags
WHERE tenant_id = %(tenant_id)s::uuid AND customer_id = ANY (%(customer_ids)s::uuid[])
ORDER BY tag
