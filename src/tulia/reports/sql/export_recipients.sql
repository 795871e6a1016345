-- Everyone of a campaign with what happened to them, what their message cost and what they brought, in order of the
-- customer's id; to be read through a cursor. Who was erased has no name and no phone any more.
-- params: tenant_id uuid, campaign_id uuid, states smallint[] (null: any), reason text (null: any)
-- returns: external_id, phone, name, arm, state, reason, attempts, due_at, accepted_at, sent_at, delivered_at, read_at,
--          replied_at, converted_at, failed_at, failure_kind, failure_code, cost_micros, currencies, revenues in micros
--          (both arrays, null: nothing)
WITH paid AS MATERIALIZED (
    SELECT recipient_id, array_agg(currency::text ORDER BY currency) AS currencies,
           array_agg(micros ORDER BY currency) AS revenues
    FROM (
        SELECT recipient_id, currency, sum(revenue_micros)::bigint AS micros
        FROM ledger_conversions
        WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
        GROUP BY recipient_id, currency
    ) one
    GROUP BY recipient_id
)
SELECT c.external_id, c.phone, c.name, r.arm, r.state, r.reason, r.attempts, r.due_at, r.accepted_at, r.sent_at,
       r.delivered_at, r.read_at, r.replied_at, r.converted_at, r.failed_at, r.failure_kind, r.failure_code,
       CASE WHEN r.state <> 30 AND r.claimed_at IS NOT NULL THEN r.cost_micros ELSE 0 END, paid.currencies,
       paid.revenues
FROM ledger_recipients r
LEFT JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = r.customer_id
LEFT JOIN paid ON paid.recipient_id = r.id
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
  AND (%(states)s::smallint[] IS NULL OR r.state = ANY (%(states)s::smallint[]))
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s::text OR r.failure_kind = %(reason)s::text
       OR r.failure_code = %(reason)s::text)
ORDER BY r.customer_id
