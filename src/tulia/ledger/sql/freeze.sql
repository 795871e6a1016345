-- Freezes the audience of a campaign: everyone who matches gets a row, in random order; those who may be sent to get an
-- arm, the others the reason why not. The order is md5(seed:customer), so the stored seed gives the same assignment again;
-- arms take turns in it, so their sizes differ by at most one and they are interleaved in the order of sending (id). The
-- seed stands in parentheses, because it may be negative and a cast binds closer than a minus.
-- Sent by the clocks of the recipients, they are due when theirs show the time (zones and arrivals; empty: all are due now).
-- params: tenant_id uuid, campaign_id uuid, sender_id uuid, seed bigint, arm_count int, now timestamptz, tenant_zone text,
--         codes text[], code_zones text[], zones text[], arrivals timestamptz[], and those of the selection that takes
--         the marked place (see audience.reach.Selection)
-- returns: nothing; the row count is the audience
-- writes: ledger_recipients
WITH matched AS MATERIALIZED (
    /*selection*/
), shuffled AS (
    SELECT matched.*,
           row_number() OVER (
               PARTITION BY refusal = ''
               ORDER BY md5((%(seed)s)::bigint::text || ':' || customer_id::text) COLLATE "C", customer_id
           ) - 1 AS position
    FROM matched
), places AS (
    SELECT * FROM unnest(%(codes)s::text[], %(code_zones)s::text[]) AS p (code, zone)
), local AS (
    SELECT * FROM unnest(%(zones)s::text[], %(arrivals)s::timestamptz[]) AS l (zone, arrival)
)
INSERT INTO ledger_recipients (tenant_id, campaign_id, customer_id, sender_id, arm, state, reason, attempts, due_at)
SELECT %(tenant_id)s::uuid, %(campaign_id)s::uuid, customer_id, %(sender_id)s::uuid,
       CASE WHEN refusal = '' THEN (position %% %(arm_count)s::int)::smallint END,
       CASE WHEN refusal = '' THEN 0 ELSE 11 END,
       refusal,
       0, CASE WHEN refusal = '' THEN COALESCE(local.arrival, %(now)s::timestamptz) END
FROM shuffled
LEFT JOIN places ON places.code = shuffled.calling_code
LEFT JOIN local ON local.zone = COALESCE(NULLIF(shuffled.timezone, ''), NULLIF(places.zone, ''), %(tenant_zone)s::text)
ORDER BY position, refusal
