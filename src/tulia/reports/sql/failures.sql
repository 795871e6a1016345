-- Why messages failed, the most frequent first.
-- params: tenant_id uuid, campaign_id uuid
-- returns: class, code, people
SELECT COALESCE(failure_kind, ''), COALESCE(failure_code, ''), count(*)
FROM ledger_recipients
WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid AND state = 30
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 20
