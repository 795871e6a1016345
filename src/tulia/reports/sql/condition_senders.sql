-- Senders that matter now: paused ones, those whose breaker isn't closed, and those with a campaign that is sending or that was a moment ago. Whether somebody
-- sends is told by the lock that each dispatcher holds; how fast, by what was sent in the last whole minute.
-- params: most int (so many at most, those that send first)
-- returns: sender_id, tenant_id, is_simulated, rate_per_second, why it is paused ('' when it isn't), campaigns that are sending,
--          whether a dispatcher has it, messages sent in the last whole minute, seconds since its oldest campaign was started,
--          how its breaker stands, and why
WITH active AS (
    SELECT m.sender_id, count(*) FILTER (WHERE m.status = 'sending' AND m.audience_frozen_at IS NOT NULL)::int AS sending,
           COALESCE(sum(n.sent), 0)::int AS sent, min(m.started_at) FILTER (WHERE m.status = 'sending') AS since
    FROM (
        (SELECT c.id, c.sender_id, c.status, c.audience_frozen_at, c.started_at FROM message_campaigns c
         WHERE c.status = 'sending' AND c.sender_id IS NOT NULL LIMIT 5000)
        UNION ALL
        (SELECT c.id, c.sender_id, c.status, c.audience_frozen_at, c.started_at FROM message_campaigns c
         WHERE c.status = 'paused' AND c.sender_id IS NOT NULL AND c.updated_at > now() - interval '3 minutes' LIMIT 5000)
    ) m
    LEFT JOIN ledger_minutes n
        ON n.campaign_id = m.id AND n.minute = date_trunc('minute', now() - interval '1 minute')
    GROUP BY m.sender_id
)
SELECT s.id, s.tenant_id, s.is_simulated, s.rate_per_second, s.paused_reason, COALESCE(a.sending, 0),
       EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
             AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('dispatcher:' || s.id, 0)
       ),
       COALESCE(a.sent, 0), COALESCE(extract(epoch FROM now() - a.since), 0)::float8, s.breaker_state,
       s.breaker_reason
FROM senders s LEFT JOIN active a ON a.sender_id = s.id
WHERE a.sender_id IS NOT NULL OR s.paused_reason <> '' OR s.breaker_state <> 'closed'
ORDER BY COALESCE(a.sending, 0) DESC, s.id
LIMIT %(most)s::int
