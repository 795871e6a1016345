-- Writes what an import says of customers who were known already and whose fields differ.
-- Params:  tenant uuid
-- Returns: (line)
-- Locks:   nothing that isn't locked
-- Writes:  customers
UPDATE customers c
SET phone = s.phone,
    external_id = coalesce(s.external_id, c.external_id),
    name = coalesce(s.name, c.name),
    language = coalesce(s.language, c.language),
    timezone = coalesce(s.timezone, c.timezone),
    country = coalesce(s.country, c.country),
    attributes = CASE
        WHEN s.attributes IS NULL THEN c.attributes ELSE jsonb_strip_nulls(c.attributes || s.attributes)
    END,
    updated_at = now()
FROM resolved_customers r
JOIN staged_customers s ON s.line = r.line
WHERE r.is_changed AND c.id = r.customer_id AND c.tenant_id = %(tenant)s AND c.deleted_at IS NULL
RETURNING r.line
