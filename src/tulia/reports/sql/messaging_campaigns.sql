-- The messages that a tenant's campaigns sent, by days and in all, by when each went out; and what became of them since.
-- params: tenant_id uuid, edges timestamptz[] (of the days, from the first one's beginning to the last one's end)
-- returns: day from 1 (null: the line of all days), messages, customers (null on the lines of a day), delivered, read,
--          replied
SELECT day, sum(messages)::bigint, CASE WHEN day IS NULL THEN count(*) END, sum(delivered)::bigint,
       sum(read)::bigint, sum(replied)::bigint
FROM (
    SELECT day, count(*) AS messages, count(*) FILTER (WHERE state >= 40) AS delivered, count(read_at) AS read,
           count(replied_at) AS replied
    FROM (
        SELECT customer_id, state, read_at, replied_at, width_bucket(claimed_at, %(edges)s::timestamptz[]) AS day
        FROM ledger_recipients
        WHERE tenant_id = %(tenant_id)s::uuid AND claimed_at >= (%(edges)s::timestamptz[])[1]
          AND claimed_at < (%(edges)s::timestamptz[])[cardinality(%(edges)s::timestamptz[])]
          AND accepted_at IS NOT NULL
    ) sends
    GROUP BY GROUPING SETS ((day), (customer_id))
) grouped
GROUP BY day
