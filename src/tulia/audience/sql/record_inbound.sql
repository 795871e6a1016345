-- Stores what people wrote: each message once, and their conversations where they are new. The senders must be there
-- (create_senders.sql): made by a statement of its own, so that one made elsewhere at the same moment is seen here.
-- Params:  tenant uuid, phones text[], ats timestamptz[], texts text[], message_ids text[] (all of one length)
-- Returns: (provider_message_id, customer_id) of every message that was new
-- Locks:   the conversations, in the order of their customers
-- Writes:  conversations, messages
WITH given AS (
    SELECT c.id AS customer_id, u.at, u.body, u.message_id
    FROM unnest(%(phones)s::text[], %(ats)s::timestamptz[], %(texts)s::text[], %(message_ids)s::text[])
        AS u (phone, at, body, message_id)
    JOIN customers c ON c.tenant_id = %(tenant)s AND c.phone = u.phone AND c.deleted_at IS NULL
),
talks AS (
    INSERT INTO conversations AS v (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at)
    SELECT gen_random_uuid(), %(tenant)s, g.customer_id, 'open', max(g.at), max(g.at)
    FROM given g
    GROUP BY g.customer_id
    ORDER BY g.customer_id
    ON CONFLICT (tenant_id, customer_id) DO UPDATE
    SET last_activity_at = greatest(v.last_activity_at, excluded.last_activity_at),
        last_inbound_at = greatest(v.last_inbound_at, excluded.last_inbound_at),
        status = CASE
            WHEN v.status IN ('closed', 'dormant')
                 AND excluded.last_inbound_at > coalesce(v.last_inbound_at, '-infinity')
            THEN 'open' ELSE v.status
        END
    RETURNING id, customer_id
),
stored AS (
    INSERT INTO messages
        (id, tenant_id, conversation_id, direction, message_type, text, sent_at, provider_message_id)
    SELECT gen_random_uuid(), %(tenant)s, talks.id, 'inbound', 'customer_inbound', g.body, g.at, g.message_id
    FROM given g
    JOIN talks ON talks.customer_id = g.customer_id
    ORDER BY g.message_id
    ON CONFLICT (tenant_id, provider_message_id) WHERE provider_message_id IS NOT NULL DO NOTHING
    RETURNING provider_message_id
)
SELECT s.provider_message_id, g.customer_id
FROM stored s
JOIN given g ON g.message_id = s.provider_message_id
