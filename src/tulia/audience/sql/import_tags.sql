-- Gives the known customers of an import exactly the tags that their lines name; a line that names none leaves them alone.
-- What each of them has is read once, and only who has something else is written about: most lines change no tag.
-- Params:  tenant uuid
-- Returns: (line) of each known customer whose tags changed
-- Locks:   nothing
-- Writes:  customer_tags
WITH wanted AS MATERIALIZED (
    SELECT r.line, r.customer_id, string_to_array(s.tags, ';') AS tags, ARRAY(
        SELECT t.tag::text
        FROM customer_tags t
        WHERE t.tenant_id = %(tenant)s AND t.customer_id = r.customer_id
    ) AS present
    FROM resolved_customers r
    JOIN staged_customers s ON s.line = r.line
    WHERE r.verdict = 'known' AND s.tags IS NOT NULL
),
differing AS MATERIALIZED (
    SELECT * FROM wanted WHERE NOT (tags @> present AND tags <@ present)
),
taken AS (
    DELETE FROM customer_tags t
    USING differing d
    WHERE t.tenant_id = %(tenant)s AND t.customer_id = d.customer_id AND t.tag <> ALL(d.tags)
    RETURNING t.customer_id
),
given AS (
    INSERT INTO customer_tags (tenant_id, tag, customer_id)
    SELECT %(tenant)s, named.tag, d.customer_id
    FROM differing d
    CROSS JOIN LATERAL unnest(d.tags) named (tag)
    ON CONFLICT DO NOTHING
    RETURNING customer_id
)
SELECT d.line
FROM differing d
WHERE d.customer_id IN (SELECT customer_id FROM taken UNION SELECT customer_id FROM given)
