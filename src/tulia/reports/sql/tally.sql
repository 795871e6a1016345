-- Everyone of a campaign by role and arm, state and cause, with what they did: the sums that the ledger keeps, from which most
-- figures of a report are made, so that they agree with each other.
-- params: tenant_id uuid, campaign_id uuid
-- returns: role, arm, state, reason, class and code of a failure, people, and how many of them were sent to, have read, have
--          replied, have clicked, have converted; the cost of their messages in micros of US dollars
SELECT t.role, NULLIF(t.arm, -1), t.state, t.reason, t.failure_kind, t.failure_code, t.people, t.sent, t.read, t.replied, t.clicked,
       t.converted, t.cost_micros
FROM ledger_tallies t
WHERE t.tenant_id = %(tenant_id)s::uuid AND t.campaign_id = %(campaign_id)s::uuid AND t.people > 0
