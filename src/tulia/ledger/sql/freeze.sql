-- Freezes the audience of a campaign: everyone who matches gets a row, in random order; those who consent get an arm.
-- The order is md5(seed:customer), so the stored seed gives the same assignment again; arms take turns in it, so their
-- sizes differ by at most one and they are interleaved in the order of sending (id). The seed stands in parentheses,
-- because it may be negative and a cast binds closer than a minus.
-- params: tenant_id uuid, campaign_id uuid, sender_id uuid, seed bigint, arm_count int, now timestamptz, and those of
--         the selection that takes the marked place (it yields customer_id uuid, consents boolean)
-- returns: nothing; the row count is the audience
-- writes: ledger_recipients
WITH matched AS MATERIALIZED (
    /*selection*/
), shuffled AS (
    SELECT customer_id, consents,
           row_number() OVER (
               PARTITION BY consents
               ORDER BY md5((%(seed)s)::bigint::text || ':' || customer_id::text) COLLATE "C", customer_id
           ) - 1 AS position
    FROM matched
)
INSERT INTO ledger_recipients (tenant_id, campaign_id, customer_id, sender_id, arm, state, reason, attempts, due_at)
SELECT %(tenant_id)s::uuid, %(campaign_id)s::uuid, customer_id, %(sender_id)s::uuid,
       CASE WHEN consents THEN (position %% %(arm_count)s::int)::smallint END,
       CASE WHEN consents THEN 0 ELSE 11 END,
       CASE WHEN consents THEN '' ELSE 'no_consent' END,
       0, CASE WHEN consents THEN %(now)s::timestamptz END
FROM shuffled
ORDER BY position, consents
