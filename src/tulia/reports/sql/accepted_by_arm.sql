-- How many people of each arm of these campaigns got a message that the provider accepted.
-- params: tenant_id uuid, campaign_ids uuid[]
-- returns: campaign_id, arm, people
SELECT campaign_id, arm, count(accepted_at)
FROM ledger_recipients
WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = ANY(%(campaign_ids)s::uuid[]) AND arm IS NOT NULL
GROUP BY campaign_id, arm
