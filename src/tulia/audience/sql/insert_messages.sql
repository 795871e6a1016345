-- Stores the staged messages that are not stored yet: told apart by who said what when, so that the same file read
-- again adds nothing.
-- Params:  tenant uuid
-- Returns: (line, customer_id) of each new message
-- Locks:   nothing
-- Writes:  messages
WITH named AS MATERIALIZED (
    SELECT s.line, r.customer_id, v.id AS conversation_id, s.direction, s.sent_at, s.text,
           md5(concat_ws('|', r.customer_id, s.direction, extract(epoch FROM s.sent_at), s.text))::uuid AS id
    FROM staged_messages s
    JOIN resolved_messages r ON r.line = s.line
    JOIN conversations v ON v.tenant_id = %(tenant)s AND v.customer_id = r.customer_id
),
stored AS (
    INSERT INTO messages (id, tenant_id, conversation_id, direction, message_type, text, sent_at)
    SELECT n.id, %(tenant)s, n.conversation_id, n.direction,
           CASE n.direction WHEN 'inbound' THEN 'customer_inbound' ELSE 'manual_outbound' END, n.text, n.sent_at
    FROM named n
    ORDER BY n.line
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT min(n.line), n.customer_id
FROM named n
JOIN stored s ON s.id = n.id
GROUP BY n.id, n.customer_id
