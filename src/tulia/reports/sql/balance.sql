-- Where everyone of a campaign's audience is, each in exactly one line.
-- params: tenant_id uuid, campaign_id uuid
-- returns: state, reason (of the skipped) or class (of the failed), people
SELECT r.state, CASE r.state WHEN 11 THEN r.reason WHEN 30 THEN COALESCE(r.failure_kind, '') ELSE '' END AS why, count(*)
FROM ledger_recipients r
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
GROUP BY 1, 2
ORDER BY 1, 2
