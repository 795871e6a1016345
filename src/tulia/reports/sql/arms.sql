-- What each arm of a campaign came to, counting people. Everyone who was assigned is counted, sent to or not.
-- params: tenant_id uuid, campaign_id uuid
-- returns: arm, assigned, sent, delivered, read, responded, converted, failed, average and median seconds to the reply,
--          revenue in micros
WITH revenue AS (
    SELECT recipient_id, sum(revenue_micros) AS micros
    FROM ledger_conversions
    WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
    GROUP BY recipient_id
)
SELECT r.arm, count(*), count(r.accepted_at), count(*) FILTER (WHERE r.state >= 40), count(r.read_at),
       count(r.replied_at), count(r.converted_at), count(*) FILTER (WHERE r.state = 30),
       avg(seconds.to_reply)::float8, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds.to_reply),
       COALESCE(sum(revenue.micros), 0)::bigint
FROM ledger_recipients r
CROSS JOIN LATERAL (
    SELECT GREATEST(0, extract(epoch FROM r.replied_at - COALESCE(r.sent_at, r.accepted_at)))::float8 AS to_reply
    WHERE r.replied_at IS NOT NULL
    UNION ALL
    SELECT NULL WHERE r.replied_at IS NULL
) seconds
LEFT JOIN revenue ON revenue.recipient_id = r.id
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid AND r.arm IS NOT NULL
GROUP BY r.arm
ORDER BY r.arm
