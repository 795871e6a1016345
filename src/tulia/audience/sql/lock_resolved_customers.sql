-- Takes hold of the known customers that an import is about to change, in the order in which everybody locks them.
-- Params:  tenant uuid
-- Returns: (customer_id)
-- Locks:   those rows of customers
-- Writes:  nothing
SELECT c.id
FROM customers c
WHERE c.tenant_id = %(tenant)s
  AND c.id IN (SELECT r.customer_id FROM resolved_customers r WHERE r.is_changed OR r.consent_differs)
ORDER BY c.id
FOR UPDATE
