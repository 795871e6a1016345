-- People of a campaign with what happened to each, in order of the customer's id, from a place on.
-- params: tenant_id uuid, campaign_id uuid, states smallint[] (null: any), reason text (null: any),
--         beyond uuid (null: from the start), is_backward boolean, batch int
-- returns: customer_id, external_id, name, phone, arm, state, reason, attempts, due_at, accepted_at, sent_at,
--          delivered_at, read_at, failed_at, replied_at, converted_at, message_id, failure_kind, failure_code
SELECT r.customer_id, c.external_id, c.name, c.phone, r.arm, r.state, r.reason, r.attempts, r.due_at, r.accepted_at,
       r.sent_at, r.delivered_at, r.read_at, r.failed_at, r.replied_at, r.converted_at, r.message_id, r.failure_kind,
       r.failure_code
FROM ledger_recipients r
LEFT JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = r.customer_id
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
  AND (%(states)s::smallint[] IS NULL OR r.state = ANY (%(states)s::smallint[]))
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s::text OR r.failure_kind = %(reason)s::text
       OR r.failure_code = %(reason)s::text)
  AND (%(beyond)s::uuid IS NULL
       OR CASE WHEN %(is_backward)s::boolean THEN r.customer_id < %(beyond)s::uuid
               ELSE r.customer_id > %(beyond)s::uuid END)
ORDER BY CASE WHEN %(is_backward)s::boolean THEN r.customer_id END DESC,
         CASE WHEN NOT %(is_backward)s::boolean THEN r.customer_id END
LIMIT %(batch)s::int
