-- The messages of a tenant's conversations by type: by slots of time, and by conversation. A customer has one
-- conversation, so that conversations are customers.
-- params: tenant_id uuid, since timestamptz, until timestamptz, stride interval
-- returns: type, slot (null: the line of the whole time), messages, customers (null on the lines of a slot)
SELECT message_type, slot, sum(messages)::bigint, CASE WHEN slot IS NULL THEN count(*) END
FROM (
    SELECT message_type, slot, count(*) AS messages
    FROM (
        SELECT message_type, conversation_id,
               date_bin(%(stride)s::interval, sent_at, %(since)s::timestamptz) AS slot
        FROM messages
        WHERE tenant_id = %(tenant_id)s::uuid AND sent_at >= %(since)s::timestamptz
          AND sent_at < %(until)s::timestamptz
    ) said
    GROUP BY GROUPING SETS ((message_type, slot), (message_type, conversation_id))
) grouped
GROUP BY message_type, slot
