-- Makes a customer of each phone that wrote to the business and isn't known, with the default consents.
-- Params:  tenant uuid, phones text[] (E.164, each once), names text[], countries text[] (of the same length)
-- Returns: nothing
-- Locks:   nothing
-- Writes:  customers
INSERT INTO customers (id, tenant_id, phone, name, country, attributes)
SELECT gen_random_uuid(), %(tenant)s, n.phone, n.name, n.country, '{}'
FROM unnest(%(phones)s::text[], %(names)s::text[], %(countries)s::text[]) n (phone, name, country)
WHERE NOT EXISTS (
    SELECT FROM customers c WHERE c.tenant_id = %(tenant)s AND c.phone = n.phone AND c.deleted_at IS NULL
)
ORDER BY n.phone
ON CONFLICT DO NOTHING
