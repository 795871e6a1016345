-- The messages that a tenant's campaigns sent, by days, by when each went out; and what became of them since.
-- params: tenant_id uuid, edges timestamptz[] (of the days, from the first one's beginning to the last one's end)
-- returns: day from 1, messages, delivered, read, replied
SELECT day, count(*), count(*) FILTER (WHERE state >= 40), count(read_at), count(replied_at)
FROM (
    SELECT state, read_at, replied_at, width_bucket(claimed_at, %(edges)s::timestamptz[]) AS day
    FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid AND claimed_at >= (%(edges)s::timestamptz[])[1]
      AND claimed_at < (%(edges)s::timestamptz[])[cardinality(%(edges)s::timestamptz[])]
      AND accepted_at IS NOT NULL
) sends
GROUP BY day
