-- Applies evidence to the people it is about, and the difference to their campaigns' counters, in one statement.
-- A state only ever rises (GREATEST); each kind of evidence keeps its earliest time; what is known already changes
-- nothing. So evidence may come late, twice and in any order. See ledger.record.Kind for the kinds.
-- params: tenant_id uuid, sender_id uuid, ids bigint[], kinds smallint[], ats timestamptz[], message_ids text[],
--         failure_kinds text[], failure_codes text[], campaign_ids uuid[]  (arrays of one length, one element for each piece of evidence)
-- returns: nothing
-- locks: the people in order of id, then the campaigns in order of id; writes: ledger_recipients, message_campaigns
WITH given AS (
    SELECT id,
           max(CASE kind WHEN -30 THEN 30 WHEN 60 THEN 40 ELSE kind END)::smallint AS state,
           min(at) FILTER (WHERE kind >= 20) AS accepted_at,
           min(at) FILTER (WHERE kind = 25) AS sent_at,
           min(at) FILTER (WHERE kind = 40) AS delivered_at,
           min(at) FILTER (WHERE kind = 50) AS read_at,
           min(at) FILTER (WHERE kind IN (-30, 30)) AS failed_at,
           min(at) FILTER (WHERE kind = 60) AS replied_at,
           max(evidence.message_id) AS message_id,
           (array_agg(evidence.failure_kind ORDER BY at) FILTER (WHERE kind IN (-30, 30)))[1] AS failure_kind,
           (array_agg(evidence.failure_code ORDER BY at) FILTER (WHERE kind IN (-30, 30)))[1] AS failure_code
    FROM unnest(%(ids)s::bigint[], %(kinds)s::smallint[], %(ats)s::timestamptz[], %(message_ids)s::text[],
                %(failure_kinds)s::text[], %(failure_codes)s::text[], %(campaign_ids)s::uuid[])
         AS evidence (id, kind, at, message_id, failure_kind, failure_code, campaign_id)
    JOIN ledger_recipients named USING (id)
    WHERE evidence.campaign_id IS NULL OR evidence.campaign_id = named.campaign_id
    GROUP BY id
), before AS (
    SELECT r.id, r.campaign_id, r.state, r.accepted_at, r.read_at, r.replied_at
    FROM ledger_recipients r
    JOIN given ON given.id = r.id
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.sender_id = %(sender_id)s::uuid
    ORDER BY r.id
    FOR UPDATE OF r
), after AS (
    UPDATE ledger_recipients r
    SET state = GREATEST(r.state, given.state),
        reason = CASE WHEN r.state < 20 AND r.state NOT IN (10, 11, 12) THEN '' ELSE r.reason END,
        accepted_at = COALESCE(r.accepted_at, given.accepted_at),
        sent_at = LEAST(r.sent_at, given.sent_at),
        delivered_at = LEAST(r.delivered_at, given.delivered_at),
        read_at = LEAST(r.read_at, given.read_at),
        failed_at = LEAST(r.failed_at, given.failed_at),
        replied_at = LEAST(r.replied_at, given.replied_at),
        message_id = COALESCE(r.message_id, given.message_id),
        failure_kind = COALESCE(r.failure_kind, given.failure_kind),
        failure_code = COALESCE(r.failure_code, given.failure_code)
    FROM given
    JOIN before ON before.id = given.id
    WHERE r.id = given.id
      AND (given.state > r.state
           OR (r.accepted_at IS NULL AND given.accepted_at IS NOT NULL)
           OR (r.message_id IS NULL AND given.message_id IS NOT NULL)
           OR LEAST(r.sent_at, given.sent_at) IS DISTINCT FROM r.sent_at
           OR LEAST(r.delivered_at, given.delivered_at) IS DISTINCT FROM r.delivered_at
           OR LEAST(r.read_at, given.read_at) IS DISTINCT FROM r.read_at
           OR LEAST(r.failed_at, given.failed_at) IS DISTINCT FROM r.failed_at
           OR LEAST(r.replied_at, given.replied_at) IS DISTINCT FROM r.replied_at)
    RETURNING r.campaign_id,
              (r.accepted_at IS NOT NULL)::int - (before.accepted_at IS NOT NULL)::int AS sent,
              (r.state >= 40)::int - (before.state >= 40)::int AS delivered,
              (r.state = 30)::int - (before.state = 30)::int AS failed,
              (r.read_at IS NOT NULL)::int - (before.read_at IS NOT NULL)::int AS read,
              (r.replied_at IS NOT NULL)::int - (before.replied_at IS NOT NULL)::int AS responded
), gained AS (
    SELECT campaign_id, sum(sent) AS sent, sum(delivered) AS delivered, sum(failed) AS failed, sum(read) AS read,
           sum(responded) AS responded
    FROM after
    GROUP BY campaign_id
    HAVING (sum(sent), sum(delivered), sum(failed), sum(read), sum(responded)) IS DISTINCT FROM (0, 0, 0, 0, 0)
), locked AS (
    SELECT m.id FROM message_campaigns m WHERE m.id IN (SELECT campaign_id FROM gained) ORDER BY m.id FOR NO KEY UPDATE
)
UPDATE message_campaigns m
SET delivery_count = m.delivery_count + gained.sent,
    delivered_count = m.delivered_count + gained.delivered,
    failed_count = m.failed_count + gained.failed,
    read_count = m.read_count + gained.read,
    response_count = m.response_count + gained.responded
FROM gained
JOIN locked ON locked.id = gained.campaign_id
WHERE m.id = gained.campaign_id
