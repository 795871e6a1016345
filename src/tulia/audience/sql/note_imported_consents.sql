-- The first line in the history of those whom an import makes and who agreed to promotional messages.
-- Params:  tenant uuid, actor text, at timestamptz
-- Returns: nothing
-- Locks:   nothing
-- Writes:  consent_changes
INSERT INTO consent_changes
    (tenant_id, customer_id, consent_type, old_value, new_value, source, actor, reason, changed_at)
SELECT %(tenant)s, r.customer_id, 'promotional_messages', NULL, true, 'tenant_updated', %(actor)s, 'import', %(at)s
FROM resolved_customers r
JOIN staged_customers s ON s.line = r.line
WHERE r.verdict = 'create' AND s.consent
