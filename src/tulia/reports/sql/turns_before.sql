-- How many people of an experiment, dealt or held out, came to their turn before a moment.
-- params: tenant_id uuid, campaign_id uuid, closed_by timestamptz (a whole minute)
-- returns: people
SELECT COALESCE(sum(people), 0)::bigint
FROM ledger_outcomes
WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid AND role IN (0, 2)
  AND minute < %(closed_by)s::timestamptz
