-- How many customers a tenant exchanged messages with, in conversations or by campaigns, each counted once.
-- params: tenant_id uuid, since timestamptz, until timestamptz
-- returns: people
SELECT count(*)
FROM (
    SELECT v.customer_id
    FROM (
        SELECT DISTINCT conversation_id
        FROM messages
        WHERE tenant_id = %(tenant_id)s::uuid AND sent_at >= %(since)s::timestamptz
          AND sent_at < %(until)s::timestamptz
    ) talked
    JOIN conversations v ON v.id = talked.conversation_id AND v.tenant_id = %(tenant_id)s::uuid
    UNION
    SELECT customer_id
    FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid AND claimed_at >= %(since)s::timestamptz
      AND claimed_at < %(until)s::timestamptz AND accepted_at IS NOT NULL
) people
