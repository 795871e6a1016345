-- Stores what people wrote: the customer and the conversation where they are new, and each message once.
-- params: tenant_id uuid, phones text[], names text[], countries text[], ats timestamptz[], texts text[],
--         message_ids text[]  (arrays of one length)
-- returns: provider_message_id of every message that was new
-- locks: the conversations in order of the customer; writes: customers, conversations, messages
WITH given AS (
    SELECT *
    FROM unnest(%(phones)s::text[], %(names)s::text[], %(countries)s::text[], %(ats)s::timestamptz[],
                %(texts)s::text[], %(message_ids)s::text[]) AS u (phone, name, country, at, body, message_id)
), strangers AS (
    INSERT INTO customers (id, tenant_id, phone, name, country, attributes, created_at, updated_at)
    SELECT gen_random_uuid(), %(tenant_id)s::uuid, g.phone, max(g.name), max(g.country), '{}'::jsonb, now(), now()
    FROM given g
    WHERE NOT EXISTS (
        SELECT FROM customers c
        WHERE c.tenant_id = %(tenant_id)s::uuid AND c.phone = g.phone AND c.deleted_at IS NULL
    )
    GROUP BY g.phone
    ORDER BY g.phone
    ON CONFLICT (tenant_id, phone) WHERE deleted_at IS NULL DO NOTHING
    RETURNING id, phone
), known AS (
    SELECT id, phone FROM strangers
    UNION ALL
    SELECT c.id, c.phone
    FROM customers c
    WHERE c.tenant_id = %(tenant_id)s::uuid AND c.deleted_at IS NULL AND c.phone IN (SELECT phone FROM given)
), talks AS (
    INSERT INTO conversations (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at, created_at)
    SELECT gen_random_uuid(), %(tenant_id)s::uuid, known.id, 'open', max(g.at), max(g.at), now()
    FROM given g JOIN known ON known.phone = g.phone
    GROUP BY known.id
    ORDER BY known.id
    ON CONFLICT (tenant_id, customer_id) DO UPDATE
    SET last_activity_at = GREATEST(conversations.last_activity_at, excluded.last_activity_at),
        last_inbound_at = GREATEST(conversations.last_inbound_at, excluded.last_inbound_at),
        status = CASE WHEN conversations.status IN ('closed', 'dormant')
                           AND excluded.last_inbound_at > COALESCE(conversations.last_inbound_at, '-infinity')
                      THEN 'open' ELSE conversations.status END
    RETURNING id, customer_id
)
INSERT INTO messages (id, tenant_id, conversation_id, direction, message_type, text, sent_at, provider_message_id,
                      created_at)
SELECT gen_random_uuid(), %(tenant_id)s::uuid, talks.id, 'inbound', 'customer_inbound', g.body, g.at, g.message_id, now()
FROM given g
JOIN known ON known.phone = g.phone
JOIN talks ON talks.customer_id = known.id
ORDER BY g.message_id
ON CONFLICT (tenant_id, provider_message_id) WHERE provider_message_id IS NOT NULL DO NOTHING
RETURNING provider_message_id
