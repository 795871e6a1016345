-- Makes the customers of an import that were not known, in the order of its lines. A line whose phone or external id
-- somebody else took at this very moment is passed over: its verdict becomes `later`.
-- Params:  tenant uuid
-- Returns: (how many were made)
-- Locks:   nothing
-- Writes:  customers, resolved_customers (temporary)
WITH made AS (
    INSERT INTO customers (id, tenant_id, external_id, phone, name, language, timezone, country, attributes,
                           consents_transactional, consents_reminder, consents_promotional)
    SELECT r.customer_id, %(tenant)s, s.external_id, s.phone, coalesce(s.name, ''), coalesce(s.language, ''),
           coalesce(s.timezone, ''), coalesce(s.country, s.phone_country, ''),
           jsonb_strip_nulls(coalesce(s.attributes, '{}')), true, true, coalesce(s.consent, false)
    FROM resolved_customers r
    JOIN staged_customers s ON s.line = r.line
    WHERE r.verdict = 'create'
    ORDER BY s.line
    ON CONFLICT DO NOTHING
    RETURNING id
),
passed_over AS (
    UPDATE resolved_customers r SET verdict = 'later'
    WHERE r.verdict = 'create' AND NOT EXISTS (SELECT FROM made m WHERE m.id = r.customer_id)
)
SELECT count(*) FROM made
