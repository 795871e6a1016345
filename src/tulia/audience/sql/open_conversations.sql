-- Makes the conversation of each staged message's customer, or moves its times forward; never back. A status counts
-- when its message is not older than what the conversation knows. Rows that would stay the same aren't touched.
-- Params:  tenant uuid
-- Returns: nothing
-- Locks:   the conversations that change, in the order of their customers
-- Writes:  conversations
WITH said AS (
    SELECT r.customer_id,
           max(s.sent_at) AS last_activity_at,
           max(s.sent_at) FILTER (WHERE s.direction = 'inbound') AS last_inbound_at,
           (array_agg(s.conversation_status ORDER BY s.sent_at DESC, s.line DESC)
               FILTER (WHERE s.conversation_status IS NOT NULL))[1] AS status,
           max(s.sent_at) FILTER (WHERE s.conversation_status IS NOT NULL) AS status_at
    FROM staged_messages s
    JOIN resolved_messages r ON r.line = s.line
    WHERE r.customer_id IS NOT NULL
    GROUP BY r.customer_id
),
wanted AS (
    SELECT n.customer_id, v.id AS known_id,
           greatest(n.last_activity_at, v.last_activity_at) AS last_activity_at,
           greatest(n.last_inbound_at, v.last_inbound_at) AS last_inbound_at,
           CASE
               WHEN n.status_at >= coalesce(v.last_activity_at, '-infinity') THEN n.status
               ELSE coalesce(v.status, n.status, 'open')
           END AS status,
           v.last_activity_at AS known_activity_at, v.last_inbound_at AS known_inbound_at, v.status AS known_status
    FROM said n
    LEFT JOIN conversations v ON v.tenant_id = %(tenant)s AND v.customer_id = n.customer_id
)
INSERT INTO conversations AS v (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at)
SELECT gen_random_uuid(), %(tenant)s, w.customer_id, w.status, w.last_activity_at, w.last_inbound_at
FROM wanted w
WHERE w.known_id IS NULL
   OR (w.last_activity_at, w.last_inbound_at, w.status) IS DISTINCT FROM
      (w.known_activity_at, w.known_inbound_at, w.known_status)
ORDER BY w.customer_id
ON CONFLICT (tenant_id, customer_id) DO UPDATE
SET status = excluded.status,
    last_activity_at = greatest(v.last_activity_at, excluded.last_activity_at),
    last_inbound_at = greatest(v.last_inbound_at, excluded.last_inbound_at)
