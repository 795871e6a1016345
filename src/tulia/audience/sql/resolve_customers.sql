-- Finds whom each staged line means, by external id, else by phone, and what is to be done with it.
-- verdict: create | known | taken (the phone is somebody else's) | later (it may be free after this batch, because its
--          holder stands in the batch too)
-- Each line asks the indexes for itself (that is what LATERAL … LIMIT makes sure of): a batch costs the same however many
-- customers there are. A join hashed all of them for each batch.
-- Params:  tenant uuid
-- Returns: nothing
-- Locks:   nothing
-- Writes:  the temporary table resolved_customers, gone at the end of the transaction
CREATE TEMPORARY TABLE resolved_customers ON COMMIT DROP AS
WITH matched AS (
    SELECT s.line, e.id AS by_external_id, p.id AS by_phone, p.external_id AS holder, s.external_id,
           p.external_id IS NOT NULL
               AND EXISTS (SELECT FROM staged_customers o WHERE o.external_id = p.external_id AND o.line <> s.line)
               AS holder_is_staged
    FROM staged_customers s
    LEFT JOIN LATERAL (
        SELECT c.id
        FROM customers c
        WHERE c.tenant_id = %(tenant)s AND c.external_id = s.external_id AND c.deleted_at IS NULL
        LIMIT 1
    ) e ON true
    LEFT JOIN LATERAL (
        SELECT c.id, c.external_id
        FROM customers c
        WHERE c.tenant_id = %(tenant)s AND c.phone = s.phone AND c.deleted_at IS NULL
        LIMIT 1
    ) p ON true
),
-- Materialized, so that the id is a value when it is looked up: coalesce() is not leakproof, and finds no index.
judged AS MATERIALIZED (
    SELECT line, holder, coalesce(by_external_id, by_phone) AS found_id,
           CASE
               WHEN by_phone IS NULL THEN CASE WHEN by_external_id IS NULL THEN 'create' ELSE 'known' END
               WHEN by_phone = by_external_id THEN 'known'
               WHEN holder_is_staged THEN 'later'
               WHEN by_external_id IS NOT NULL THEN 'taken'
               WHEN external_id IS NOT NULL AND holder IS NOT NULL THEN 'taken'
               ELSE 'known'
           END AS verdict
    FROM matched
)
SELECT j.line, j.holder, j.verdict,
       -- New ids begin with the time, so that the rows of a batch are neighbours in every index.
       coalesce(j.found_id, (
           lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
           || substr(replace(gen_random_uuid()::text, '-', ''), 13)
       )::uuid) AS customer_id,
       j.verdict = 'known' AND (
           (c.phone, c.external_id, c.name, c.language, c.timezone, c.country, c.attributes) IS DISTINCT FROM
           (s.phone, coalesce(s.external_id, c.external_id), coalesce(s.name, c.name),
            coalesce(s.language, c.language), coalesce(s.timezone, c.timezone), coalesce(s.country, c.country),
            CASE WHEN s.attributes IS NULL THEN c.attributes ELSE jsonb_strip_nulls(c.attributes || s.attributes) END)
       ) AS is_changed,
       j.verdict = 'known' AND coalesce(s.consent <> c.consents_promotional, false) AS consent_differs
FROM judged j
JOIN staged_customers s ON s.line = j.line
LEFT JOIN LATERAL (
    SELECT k.phone, k.external_id, k.name, k.language, k.timezone, k.country, k.attributes, k.consents_promotional
    FROM customers k
    WHERE k.id = j.found_id AND k.tenant_id = %(tenant)s
    LIMIT 1
) c ON true
