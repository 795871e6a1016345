-- The messages of a tenant's conversations by type: by days, and by conversation. A customer has one conversation, so
-- that conversations are customers.
-- params: tenant_id uuid, edges timestamptz[] (of the days, from the first one's beginning to the last one's end)
-- returns: type, day from 1 (null: the line of all days), messages, customers (null on the lines of a day)
SELECT message_type, day, sum(messages)::bigint, CASE WHEN day IS NULL THEN count(*) END
FROM (
    SELECT message_type, day, count(*) AS messages
    FROM (
        SELECT message_type, conversation_id, width_bucket(sent_at, %(edges)s::timestamptz[]) AS day
        FROM messages
        WHERE tenant_id = %(tenant_id)s::uuid AND sent_at >= (%(edges)s::timestamptz[])[1]
          AND sent_at < (%(edges)s::timestamptz[])[cardinality(%(edges)s::timestamptz[])]
    ) said
    GROUP BY GROUPING SETS ((message_type, day), (message_type, conversation_id))
) grouped
GROUP BY message_type, day
