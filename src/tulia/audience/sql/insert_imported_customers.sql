-- Makes the customers of an import that were not known, in the order of its lines. Nobody in the batch stands in the way
-- of another one; when somebody else takes a phone or an external id at this very moment, this fails, and the batch begins
-- again. (ON CONFLICT would pass over such a line, and cost every line of every import a second write.)
-- Params:  tenant uuid
-- Returns: nothing; the row count is how many were made
-- Locks:   nothing
-- Writes:  customers
INSERT INTO customers (id, tenant_id, external_id, phone, name, language, timezone, country, attributes,
                       consents_transactional, consents_reminder, consents_promotional)
SELECT r.customer_id, %(tenant)s, s.external_id, s.phone, coalesce(s.name, ''), coalesce(s.language, ''),
       coalesce(s.timezone, ''), coalesce(s.country, s.phone_country, ''),
       jsonb_strip_nulls(coalesce(s.attributes, '{}')), true, true, coalesce(s.consent, false)
FROM resolved_customers r
JOIN staged_customers s ON s.line = r.line
WHERE r.verdict = 'create'
ORDER BY s.line
