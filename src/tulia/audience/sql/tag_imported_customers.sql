-- Gives the customers that an import has just made their tags; they had none, so nothing can be there already.
-- Params:  tenant uuid
-- Returns: nothing
-- Locks:   nothing
-- Writes:  customer_tags
INSERT INTO customer_tags (tenant_id, tag, customer_id)
SELECT %(tenant)s, named.tag, r.customer_id
FROM resolved_customers r
JOIN staged_customers s ON s.line = r.line
CROSS JOIN LATERAL unnest(string_to_array(s.tags, ';')) named (tag)
WHERE r.verdict = 'create'
