-- Gives the known customers of an import exactly the tags that their lines name; a line that names none leaves them alone.
-- Params:  tenant uuid
-- Returns: (line) of each known customer whose tags changed
-- Locks:   nothing
-- Writes:  customer_tags
WITH wanted AS MATERIALIZED (
    SELECT r.line, r.customer_id, string_to_array(s.tags, ';') AS tags
    FROM resolved_customers r
    JOIN staged_customers s ON s.line = r.line
    WHERE r.verdict = 'known' AND s.tags IS NOT NULL
),
taken AS (
    DELETE FROM customer_tags t
    USING wanted w
    WHERE t.tenant_id = %(tenant)s AND t.customer_id = w.customer_id AND t.tag <> ALL(w.tags)
    RETURNING t.customer_id
),
given AS (
    INSERT INTO customer_tags (tenant_id, tag, customer_id)
    SELECT %(tenant)s, named.tag, w.customer_id
    FROM wanted w
    CROSS JOIN LATERAL unnest(w.tags) named (tag)
    ON CONFLICT DO NOTHING
    RETURNING customer_id
)
SELECT w.line
FROM wanted w
WHERE w.customer_id IN (SELECT customer_id FROM taken UNION SELECT customer_id FROM given)
