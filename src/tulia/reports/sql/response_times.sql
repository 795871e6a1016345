-- How long people took to read and to reply: people by seconds, for each arm. Counted from the moment the provider sent
-- the message, else took it; an answer that seems to be earlier took no time. Only who was claimed since the campaign began
-- can have answered, which are few at first.
-- params: tenant_id uuid, campaign_id uuid, since timestamptz (before the first claim)
-- returns: whether it is a reply, arm, seconds, people, their seconds added up
SELECT answer.is_reply, CASE r.role WHEN 0 THEN r.arm END, took.seconds, count(*), sum(took.seconds)
FROM ledger_recipients r
CROSS JOIN LATERAL (VALUES (false, r.read_at), (true, r.replied_at)) AS answer (is_reply, at)
CROSS JOIN LATERAL (
    SELECT GREATEST(0, date_part('epoch', answer.at - COALESCE(r.sent_at, r.accepted_at))) AS seconds
) AS took
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid AND answer.at IS NOT NULL
  AND r.claimed_at >= %(since)s::timestamptz
GROUP BY 1, 2, 3
