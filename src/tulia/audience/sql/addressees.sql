-- People whom a campaign with this selection would write to, with what a message may say about them: a sample that the
-- seed fixes, and beside it those with the longest names, because theirs are the longest messages.
-- params: tenant_id uuid, seed bigint, most int, longest int, and those of the selection that takes the marked place
--         (it yields customer_id uuid, refusal text)
-- returns: id, phone, name, external_id, language, country, timezone, attributes as text, how many there are in all
WITH chosen AS (
    /*selection*/
), eligible AS MATERIALIZED (
    SELECT c.id, length(c.name) AS name_length
    FROM chosen
    JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = chosen.customer_id
    WHERE chosen.refusal = ''
), picked AS (
    (SELECT id FROM eligible ORDER BY name_length DESC, id LIMIT %(longest)s::int)
    UNION
    (SELECT id FROM eligible ORDER BY uuid_hash_extended(id, (%(seed)s)::bigint), id LIMIT %(most)s::int)
)
SELECT c.id, c.phone, c.name, COALESCE(c.external_id, ''), c.language, c.country, c.timezone, c.attributes::text,
       (SELECT count(*) FROM eligible)
FROM picked
JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = picked.id
