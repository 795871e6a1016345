-- How many people of each arm of these campaigns got a message that the provider accepted.
-- params: tenant_id uuid, campaign_ids uuid[]
-- returns: campaign_id, arm, people
SELECT campaign_id, arm, sum(sent)::bigint
FROM ledger_tallies
WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = ANY(%(campaign_ids)s::uuid[]) AND arm >= 0
GROUP BY campaign_id, arm
