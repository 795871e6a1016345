-- Applies evidence to the people it is about, in one statement.
-- A state only ever rises (GREATEST); each kind of evidence keeps its earliest time; what is known already changes
-- nothing. So evidence may come late, twice, in any order and in any parts. See ledger.record.Kind for the kinds.
-- The failure kept is the earliest one's; of several message ids the least. `accepted_at` is kept in whole seconds, as
-- the providers' times are: so the callback that follows hardly ever moves it, and the row changes in place.
-- params: tenant_id uuid, sender_id uuid, ids bigint[], kinds smallint[], ats timestamptz[], message_ids text[],
--         failure_kinds text[], failure_codes text[], campaign_ids uuid[], costs int[]
--         (arrays of one length, one element for each piece of evidence)
-- returns: nothing
-- locks: the people in order of id; writes: ledger_recipients
WITH given AS (
    SELECT id,
           max(CASE kind WHEN -30 THEN 30 WHEN 60 THEN 40 WHEN 70 THEN 40 ELSE kind END)::smallint AS state,
           date_trunc('second', min(at) FILTER (WHERE kind >= 20)) AS accepted_at,
           min(at) FILTER (WHERE kind = 25) AS sent_at,
           min(at) FILTER (WHERE kind = 40) AS delivered_at,
           min(at) FILTER (WHERE kind = 50) AS read_at,
           min(at) FILTER (WHERE kind IN (-30, 30)) AS failed_at,
           min(at) FILTER (WHERE kind = 60) AS replied_at,
           min(at) FILTER (WHERE kind = 70) AS clicked_at,
           min(evidence.message_id) AS message_id,
           min(evidence.cost) AS cost_micros,
           (array_agg(evidence.failure_kind ORDER BY at, COALESCE(evidence.failure_kind, '~'),
                      COALESCE(evidence.failure_code, '~')) FILTER (WHERE kind IN (-30, 30)))[1] AS failure_kind,
           (array_agg(evidence.failure_code ORDER BY at, COALESCE(evidence.failure_kind, '~'),
                      COALESCE(evidence.failure_code, '~')) FILTER (WHERE kind IN (-30, 30)))[1] AS failure_code
    FROM unnest(%(ids)s::bigint[], %(kinds)s::smallint[], %(ats)s::timestamptz[], %(message_ids)s::text[],
                %(failure_kinds)s::text[], %(failure_codes)s::text[], %(campaign_ids)s::uuid[], %(costs)s::int[])
         AS evidence (id, kind, at, message_id, failure_kind, failure_code, campaign_id, cost)
    JOIN ledger_recipients named USING (id)
    WHERE evidence.campaign_id IS NULL OR evidence.campaign_id = named.campaign_id
    GROUP BY id
), before AS (
    -- What was given travels along, so that the update joins one set only: joined with `given` again, the planner,
    -- which takes both for one row, compares each with each.
    SELECT given.*,
           given.failed_at IS NOT NULL
               AND (r.failed_at IS NULL
                    OR (given.failed_at, COALESCE(given.failure_kind, '~'), COALESCE(given.failure_code, '~'))
                       < (r.failed_at, COALESCE(r.failure_kind, '~'), COALESCE(r.failure_code, '~')))
               AS is_first_failure
    FROM ledger_recipients r
    JOIN given ON given.id = r.id
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.sender_id = %(sender_id)s::uuid
    ORDER BY r.id
    FOR UPDATE OF r
)
UPDATE ledger_recipients r
SET state = GREATEST(r.state, b.state),
    reason = CASE WHEN r.state < 20 AND r.state NOT IN (10, 11, 12) THEN '' ELSE r.reason END,
    due_at = NULL,
    sending_at = NULL,
    claimed_by = NULL,
    claimed_at = CASE WHEN LEAST(r.accepted_at, b.accepted_at) IS NOT NULL
                      THEN LEAST(r.claimed_at, r.accepted_at, b.accepted_at)
                      WHEN b.state < 30 THEN r.claimed_at END,
    accepted_at = LEAST(r.accepted_at, b.accepted_at),
    sent_at = LEAST(r.sent_at, b.sent_at),
    delivered_at = LEAST(r.delivered_at, b.delivered_at),
    read_at = LEAST(r.read_at, b.read_at),
    replied_at = LEAST(r.replied_at, b.replied_at),
    clicked_at = LEAST(r.clicked_at, b.clicked_at),
    message_id = LEAST(r.message_id, b.message_id),
    cost_micros = COALESCE(b.cost_micros, r.cost_micros),
    failed_at = CASE WHEN b.is_first_failure THEN b.failed_at ELSE r.failed_at END,
    failure_kind = CASE WHEN b.is_first_failure THEN b.failure_kind ELSE r.failure_kind END,
    failure_code = CASE WHEN b.is_first_failure THEN b.failure_code ELSE r.failure_code END
FROM before b
WHERE r.id = b.id
  AND (b.state > r.state
       OR b.is_first_failure
       OR b.cost_micros <> r.cost_micros
       OR LEAST(r.accepted_at, b.accepted_at) IS DISTINCT FROM r.accepted_at
       OR LEAST(r.message_id, b.message_id) IS DISTINCT FROM r.message_id
       OR LEAST(r.sent_at, b.sent_at) IS DISTINCT FROM r.sent_at
       OR LEAST(r.delivered_at, b.delivered_at) IS DISTINCT FROM r.delivered_at
       OR LEAST(r.read_at, b.read_at) IS DISTINCT FROM r.read_at
       OR LEAST(r.replied_at, b.replied_at) IS DISTINCT FROM r.replied_at
       OR LEAST(r.clicked_at, b.clicked_at) IS DISTINCT FROM r.clicked_at)
