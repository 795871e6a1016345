-- Finds the customer of each staged message, by external id when it has one, else by phone.
-- Params:  tenant uuid
-- Returns: nothing
-- Locks:   nothing
-- Writes:  the temporary table resolved_messages, gone at the end of the transaction
CREATE TEMPORARY TABLE resolved_messages ON COMMIT DROP AS
SELECT s.line, coalesce(e.id, p.id) AS customer_id
FROM staged_messages s
LEFT JOIN customers e
    ON e.tenant_id = %(tenant)s AND e.external_id = s.customer_external_id AND e.deleted_at IS NULL
LEFT JOIN customers p
    ON p.tenant_id = %(tenant)s AND p.phone = s.phone AND p.deleted_at IS NULL AND s.customer_external_id IS NULL
