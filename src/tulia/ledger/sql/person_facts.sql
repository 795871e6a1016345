-- What the rules of a campaign ask about one customer, and their row of the ledger if the campaign has been launched.
-- params: tenant_id uuid, campaign_id uuid, customer_id uuid, sender_id uuid, cap_since timestamptz (null: no cap),
--         cap_most int, cap_span interval, day_since timestamptz, daily_limit int (null: none),
--         messaging_limit int (null: none)
-- returns: external_id, name, phone, timezone, deleted_at, consents, unreachable_at, last_inbound_at, capped_until,
--          daily_room, messaging_room, then of the ledger: recipient id, arm, state, reason, attempts, due_at, claimed_at,
--          accepted_at, sent_at, delivered_at, read_at, failed_at, replied_at, clicked_at, converted_at, message_id, failure_kind,
--          failure_code, cost_micros
SELECT c.external_id, c.name, c.phone, c.timezone, c.deleted_at, c.consents_promotional, c.unreachable_at,
       v.last_inbound_at,
       CASE WHEN %(cap_since)s::timestamptz IS NOT NULL THEN (
           SELECT h.claimed_at + %(cap_span)s::interval
           FROM ledger_recipients h
           WHERE h.customer_id = c.id AND h.tenant_id = %(tenant_id)s::uuid
             AND h.claimed_at > %(cap_since)s::timestamptz AND h.state <> 30 AND h.campaign_id <> %(campaign_id)s::uuid
           ORDER BY h.claimed_at DESC
           OFFSET %(cap_most)s::int - 1
           LIMIT 1
       ) END,
       CASE WHEN %(daily_limit)s::int IS NOT NULL THEN %(daily_limit)s::int - (
           SELECT count(*) FROM ledger_recipients u
           WHERE u.tenant_id = %(tenant_id)s::uuid AND u.claimed_at > %(day_since)s::timestamptz
       ) END,
       CASE WHEN %(messaging_limit)s::int IS NOT NULL THEN %(messaging_limit)s::int - (
           SELECT count(DISTINCT u.customer_id) FROM ledger_recipients u
           WHERE u.tenant_id = %(tenant_id)s::uuid AND u.claimed_at > %(day_since)s::timestamptz
             AND u.sender_id = %(sender_id)s::uuid AND u.state <> 30
       ) END,
       r.id, r.arm, r.state, r.reason, r.attempts, NULLIF(r.due_at, timestamptz '9999-12-31 00:00Z'), r.claimed_at, r.accepted_at, r.sent_at, r.delivered_at,
       r.read_at, r.failed_at, r.replied_at, r.clicked_at, r.converted_at, r.message_id, r.failure_kind, r.failure_code,
       CASE r.state WHEN 30 THEN 0 ELSE r.cost_micros END
FROM customers c
LEFT JOIN conversations v ON v.tenant_id = c.tenant_id AND v.customer_id = c.id
LEFT JOIN ledger_recipients r ON r.campaign_id = %(campaign_id)s::uuid AND r.customer_id = c.id
WHERE c.tenant_id = %(tenant_id)s::uuid AND c.id = %(customer_id)s::uuid
