-- How many customers a tenant's campaigns wrote to, and how many others took part in conversations.
-- params: tenant_id uuid, since timestamptz, until timestamptz
-- returns: customers written to, further customers
WITH written AS MATERIALIZED (
    SELECT customer_id
    FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid AND claimed_at >= %(since)s::timestamptz
      AND claimed_at < %(until)s::timestamptz AND accepted_at IS NOT NULL
    GROUP BY customer_id
), talked AS (
    SELECT v.customer_id
    FROM (
        SELECT conversation_id
        FROM messages
        WHERE tenant_id = %(tenant_id)s::uuid AND sent_at >= %(since)s::timestamptz
          AND sent_at < %(until)s::timestamptz
        GROUP BY conversation_id
    ) said
    JOIN conversations v ON v.id = said.conversation_id AND v.tenant_id = %(tenant_id)s::uuid
)
SELECT (SELECT count(*) FROM written),
       (SELECT count(*)
        FROM talked
        WHERE NOT EXISTS (SELECT FROM written WHERE written.customer_id = talked.customer_id))
