-- How long people took to read and to reply, as the ledger keeps it: seconds to three digits, their sums exact.
-- params: tenant_id uuid, campaign_id uuid
-- returns: whether it is a reply, arm, seconds, people, their exact seconds added up
SELECT w.is_reply, NULLIF(w.arm, -1), w.seconds, w.people, w.total_seconds
FROM ledger_waits w
WHERE w.tenant_id = %(tenant_id)s::uuid AND w.campaign_id = %(campaign_id)s::uuid AND w.people > 0
