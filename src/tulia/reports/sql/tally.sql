-- Everyone of a campaign by arm, state and cause, with what they did: one pass over its rows, from which most figures of
-- a report are made, so that they agree with each other.
-- params: tenant_id uuid, campaign_id uuid
-- returns: arm, state, reason, class and code of a failure, people, and how many of them were sent to, have read, have
--          replied, have clicked, have converted; the cost of their messages in micros of US dollars
SELECT r.arm, r.state, r.reason, r.failure_kind, r.failure_code, count(*), count(r.accepted_at), count(r.read_at),
       count(r.replied_at), count(r.clicked_at), count(r.converted_at), sum(r.cost_micros)
FROM ledger_recipients r
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
GROUP BY r.arm, r.state, r.reason, r.failure_kind, r.failure_code
