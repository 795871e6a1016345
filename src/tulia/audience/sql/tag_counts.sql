-- The tags of a tenant's customers, the most frequent first.
-- params: tenant_id uuid, most int
-- returns: tag, people
SELECT t.tag, count(*)
FROM customer_tags t
WHERE t.tenant_id = %(tenant_id)s::uuid
GROUP BY t.tag
ORDER BY 2 DESC, 1
LIMIT %(most)s::int
