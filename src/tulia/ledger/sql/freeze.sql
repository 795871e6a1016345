-- Freezes the audience of a campaign: everyone who matches gets a row, in random order; those who may be sent to get what
-- they are to its experiment, the others the reason why not. The order is md5(seed:customer), so the stored seed gives the
-- same assignment again. Along it every so many-th person is held out, every so many-th of the others belongs to the test
-- (without a test phase all do), and of those the arms take turns as their weights say: so sizes are exact, and arms,
-- controls and the rest are interleaved in the order of sending (id). The seed stands in parentheses, because it may be
-- negative and a cast binds closer than a minus. OFFSET 0 keeps each person's refusal from being worked out twice, without
-- writing a million of them aside.
-- By an attribute (when one is named) nobody is dealt anything by chance: its value names the arm or the holdout. Both are
-- made small here, by the same hand: Python and a database differ in some letters, as in the Greek sigma.
-- Sent by the clocks of the recipients, they are due when theirs show the time (zones and arrivals; empty: all are due now).
-- params: tenant_id uuid, campaign_id uuid, sender_id uuid, seed bigint, arms smallint[] (in the order of their turns),
--         held_per_myriad int, test_percent int, attribute text (null: by chance), arm_values text[], held_value text (null:
--         any other value), never timestamptz (due of those who wait for the winner), now timestamptz, tenant_zone text,
--         codes text[], code_zones text[], zones text[], arrivals timestamptz[], and those of the selection that takes
--         the marked place (see audience.reach.Selection)
-- returns: nothing; the row count is the audience
-- writes: ledger_recipients
WITH matched AS NOT MATERIALIZED (
    /*selection*/
    OFFSET 0
), shuffled AS (
    SELECT matched.*,
           row_number() OVER (
               PARTITION BY refusal = ''
               ORDER BY md5((%(seed)s)::bigint::text || ':' || customer_id::text) COLLATE "C", customer_id
           ) - 1 AS position
    FROM matched
), parted AS (
    SELECT shuffled.*,
           ((position + 1) * %(held_per_myriad)s::bigint + 5000) / 10000 > (position * %(held_per_myriad)s::bigint + 5000) / 10000
               AS is_held,
           position - (position * %(held_per_myriad)s::bigint + 5000) / 10000 AS place
    FROM shuffled
), dealt AS (
    SELECT parted.*,
           ((place + 1) * %(test_percent)s::bigint + 50) / 100 > (place * %(test_percent)s::bigint + 50) / 100 AS is_tested,
           %(arms)s::smallint[] AS arms,
           (place * %(test_percent)s::bigint + 50) / 100 AS turn
    FROM parted
), named AS (
    SELECT dealt.*,
           lower(btrim(c.attributes ->> %(attribute)s::text)) AS value,
           array_position(asked.arms, lower(btrim(c.attributes ->> %(attribute)s::text))) - 1 AS named_arm,
           asked.held
    FROM dealt
    CROSS JOIN (
        SELECT array_agg(lower(btrim(value)) ORDER BY place) AS arms, lower(btrim(%(held_value)s::text)) AS held
        FROM unnest(%(arm_values)s::text[]) WITH ORDINALITY AS v (value, place)
    ) asked
    LEFT JOIN customers c ON %(attribute)s::text IS NOT NULL AND c.tenant_id = %(tenant_id)s::uuid AND c.id = dealt.customer_id
), decided AS (
    SELECT named.*,
           CASE WHEN refusal <> '' THEN refusal
                WHEN %(attribute)s::text IS NULL OR named_arm IS NOT NULL THEN ''
                WHEN COALESCE(value, '') = '' OR value <> COALESCE(held, value) THEN 'no_variant'
                ELSE '' END AS reason,
           CASE WHEN %(attribute)s::text IS NOT NULL THEN CASE WHEN named_arm IS NULL THEN 2 ELSE 0 END
                WHEN is_held THEN 2 WHEN is_tested THEN 0 ELSE 1 END AS role,
           CASE WHEN %(attribute)s::text IS NOT NULL THEN named_arm
                WHEN is_tested AND NOT is_held THEN arms[1 + turn %% cardinality(arms)] END AS arm
    FROM named
), places AS (
    SELECT * FROM unnest(%(codes)s::text[], %(code_zones)s::text[]) AS p (code, zone)
), local AS (
    SELECT * FROM unnest(%(zones)s::text[], %(arrivals)s::timestamptz[]) AS l (zone, arrival)
)
INSERT INTO ledger_recipients (tenant_id, campaign_id, customer_id, sender_id, role, arm, state, reason, attempts, due_at)
SELECT %(tenant_id)s::uuid, %(campaign_id)s::uuid, customer_id, %(sender_id)s::uuid,
       CASE WHEN reason = '' THEN role ELSE 0 END,
       CASE WHEN reason = '' THEN arm::smallint END,
       CASE WHEN reason <> '' THEN 11 WHEN role = 1 THEN 1 ELSE 0 END,
       CASE WHEN reason = '' AND role = 1 THEN 'awaiting_winner' ELSE reason END,
       0,
       CASE WHEN reason = '' THEN
           CASE WHEN role = 1 THEN %(never)s::timestamptz ELSE COALESCE(local.arrival, %(now)s::timestamptz) END
       END
FROM decided
LEFT JOIN places ON places.code = decided.calling_code
LEFT JOIN local ON local.zone = COALESCE(NULLIF(decided.timezone, ''), NULLIF(places.zone, ''), %(tenant_zone)s::text)
ORDER BY position, refusal
