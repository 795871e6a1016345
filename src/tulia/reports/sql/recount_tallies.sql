-- Where the sums that the ledger keeps are not what its rows say: by place (role, arm, state and cause), by
-- minute, by how long answers took, and by what came of an experiment.
-- params: tenant_id uuid
-- returns: campaign id, what disagrees ("tally", "minute", "wait" or "outcome"), people there by the sums and by the rows (for a
--          minute: everything that happened in it)
WITH counted AS (
    SELECT campaign_id, role, COALESCE(arm, -1::smallint) AS arm, state, reason, COALESCE(failure_kind, '') AS failure_kind,
           COALESCE(failure_code, '') AS failure_code, count(*) AS people,
           ARRAY[count(*), count(accepted_at), count(read_at), count(replied_at), count(clicked_at), count(converted_at),
                 sum(cost_micros)::bigint] AS counts
    FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid
    GROUP BY 1, 2, 3, 4, 5, 6, 7
), kept AS (
    SELECT t.*, ARRAY[t.people, t.sent, t.read, t.replied, t.clicked, t.converted, t.cost_micros]::bigint[] AS counts
    FROM ledger_tallies t
    WHERE t.tenant_id = %(tenant_id)s::uuid
      AND (t.people, t.sent, t.read, t.replied, t.clicked, t.converted, t.cost_micros) <> (0, 0, 0, 0, 0, 0, 0)
), counted_minutes AS (
    SELECT r.campaign_id, date_trunc('minute', event.at) AS minute,
           ARRAY[count(*) FILTER (WHERE kind = 0), count(*) FILTER (WHERE kind = 1), count(*) FILTER (WHERE kind = 2),
                 count(*) FILTER (WHERE kind = 3), count(*) FILTER (WHERE kind = 4), count(*) FILTER (WHERE kind = 5)]
           AS counts,
           count(*) AS happened
    FROM ledger_recipients r
    CROSS JOIN LATERAL (VALUES
        (0, r.accepted_at),
        (1, CASE WHEN r.state >= 40 THEN LEAST(r.delivered_at, r.read_at, r.replied_at) END),
        (2, r.read_at), (3, r.replied_at), (4, r.converted_at),
        (5, CASE WHEN r.state = 30 THEN r.failed_at END)
    ) AS event (kind, at)
    WHERE r.tenant_id = %(tenant_id)s::uuid AND event.at IS NOT NULL
    GROUP BY 1, 2
), kept_minutes AS (
    SELECT m.campaign_id, m.minute, ARRAY[m.sent, m.delivered, m.read, m.replied, m.converted, m.failed]::bigint[] AS counts,
           m.sent + m.delivered + m.read + m.replied + m.converted + m.failed AS happened
    FROM ledger_minutes m
    WHERE m.tenant_id = %(tenant_id)s::uuid
      AND (m.sent, m.delivered, m.read, m.replied, m.converted, m.failed) <> (0, 0, 0, 0, 0, 0)
), counted_waits AS (
    SELECT r.campaign_id, CASE WHEN r.role = 0 AND r.arm IS NOT NULL THEN r.arm ELSE -1 END::smallint AS arm,
           answer.is_reply, count(*) AS people,
           sum(took.seconds) AS total_seconds
    FROM ledger_recipients r
    CROSS JOIN LATERAL (VALUES (false, r.read_at), (true, r.replied_at)) AS answer (is_reply, at)
    CROSS JOIN LATERAL (
        SELECT GREATEST(0, date_part('epoch', answer.at - COALESCE(r.sent_at, r.accepted_at))) AS seconds
    ) AS took
    WHERE r.tenant_id = %(tenant_id)s::uuid AND answer.at IS NOT NULL
    GROUP BY 1, 2, 3
), kept_waits AS (
    SELECT w.campaign_id, w.arm, w.is_reply, sum(w.people) AS people, sum(w.total_seconds) AS total_seconds
    FROM ledger_waits w
    WHERE w.tenant_id = %(tenant_id)s::uuid
    GROUP BY 1, 2, 3
    HAVING sum(w.people) <> 0
), counted_outcomes AS (
    SELECT r.campaign_id, r.role, COALESCE(r.arm, -1::smallint) AS arm, date_trunc('minute', r.turn_at) AS minute,
           count(*) AS people,
           count(*) FILTER (WHERE CASE m.primary_metric WHEN 'read' THEN r.read_at WHEN 'clicked' THEN r.clicked_at
                                                        WHEN 'converted' THEN r.converted_at ELSE r.replied_at END
                                  <= r.turn_at + m.outcome_window_minutes * interval '1 minute') AS succeeded
    FROM ledger_recipients r
    JOIN message_campaigns m ON m.id = r.campaign_id AND m.tenant_id = r.tenant_id
        AND (m.is_ab_test OR m.holdout_percent > 0) AND m.outcome_window_minutes IS NOT NULL
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.turn_at IS NOT NULL AND (r.arm IS NOT NULL OR r.role = 2)
    GROUP BY 1, 2, 3, 4
), kept_outcomes AS (
    SELECT o.campaign_id, o.role, o.arm, o.minute, o.people::bigint, o.succeeded::bigint
    FROM ledger_outcomes o
    WHERE o.tenant_id = %(tenant_id)s::uuid AND (o.people, o.succeeded) <> (0, 0)
)
SELECT campaign_id, 'tally', COALESCE(kept.people, 0), COALESCE(counted.people, 0)
FROM counted
FULL JOIN kept USING (campaign_id, role, arm, state, reason, failure_kind, failure_code)
WHERE counted.counts IS DISTINCT FROM kept.counts
UNION ALL
SELECT campaign_id, 'minute', COALESCE(k.happened, 0), COALESCE(c.happened, 0)
FROM counted_minutes c
FULL JOIN kept_minutes k USING (campaign_id, minute)
WHERE c.counts IS DISTINCT FROM k.counts
UNION ALL
SELECT campaign_id, 'wait', COALESCE(k.people, 0)::bigint, COALESCE(c.people, 0)
FROM counted_waits c
FULL JOIN kept_waits k USING (campaign_id, arm, is_reply)
WHERE c.people IS DISTINCT FROM k.people OR abs(c.total_seconds - k.total_seconds) > 1
UNION ALL
SELECT campaign_id, 'outcome', COALESCE(k.people, 0)::bigint, COALESCE(c.people, 0)
FROM counted_outcomes c
FULL JOIN kept_outcomes k USING (campaign_id, role, arm, minute)
WHERE (c.people, c.succeeded) IS DISTINCT FROM (k.people, k.succeeded)
