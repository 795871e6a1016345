-- How many people of a campaign are of each role and arm, but for those left out: by the sums, and by what this
-- transaction has put aside to be added to them at its commit.
-- params: tenant_id uuid, campaign_id uuid
-- returns: role, arm (null: none), people
WITH counted AS (
    SELECT role, arm, state, people
    FROM ledger_tallies
    WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
    UNION ALL
    SELECT role, arm, state, people
    FROM ledger_differences
    WHERE transaction = pg_current_xact_id() AND tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
)
SELECT role, NULLIF(arm, -1), sum(people)
FROM counted
WHERE state <> 11
GROUP BY role, arm
HAVING sum(people) <> 0
