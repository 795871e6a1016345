-- Claims the next due people of one campaign and marks them sending, just before their messages go out. Whoever may
-- not be written to any more (STOP since the launch, deleted) is skipped here, with the reason.
-- Two claims at once never take the same person (SKIP LOCKED); nothing is claimed of a campaign that isn't sending.
-- params: tenant_id uuid, campaign_id uuid, worker_id uuid, now timestamptz, batch int
-- returns: id, state, arm, attempts, customer_id, phone, name, external_id, language, country, attributes
-- locks: the claimed rows; writes: ledger_recipients
WITH due AS (
    SELECT r.id, r.customer_id
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
      AND r.due_at <= %(now)s::timestamptz
      AND EXISTS (
          SELECT FROM message_campaigns m WHERE m.id = %(campaign_id)s::uuid AND m.status = 'sending'
      )
    ORDER BY r.due_at, r.id
    LIMIT %(batch)s::int
    FOR UPDATE SKIP LOCKED
), judged AS (
    SELECT due.id,
           CASE WHEN c.id IS NULL OR c.deleted_at IS NOT NULL THEN 'deleted'
                WHEN NOT c.consents_promotional THEN 'opted_out'
                ELSE '' END AS refusal,
           due.customer_id, c.phone, c.name, c.external_id, c.language, c.country, c.attributes
    FROM due
    LEFT JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = due.customer_id
)
UPDATE ledger_recipients r
SET state = CASE WHEN judged.refusal = '' THEN 5 ELSE 11 END,
    reason = judged.refusal,
    attempts = r.attempts + CASE WHEN judged.refusal = '' THEN 1 ELSE 0 END,
    due_at = NULL,
    claimed_by = %(worker_id)s::uuid,
    claimed_at = CASE WHEN judged.refusal = '' THEN %(now)s::timestamptz END,
    sending_at = CASE WHEN judged.refusal = '' THEN %(now)s::timestamptz END
FROM judged
WHERE r.id = judged.id
RETURNING r.id, r.state, r.arm, r.attempts, judged.customer_id, judged.phone, judged.name, judged.external_id,
          judged.language, judged.country, judged.attributes
