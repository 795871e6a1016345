-- How many people of a campaign that was just frozen are of each role and arm, but for those left out.
-- params: tenant_id uuid, campaign_id uuid
-- returns: role, arm (null: none), people
SELECT role, arm, count(*)
FROM ledger_recipients
WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid AND state <> 11
GROUP BY role, arm
