-- The messages that a tenant's campaigns sent, by slots of time and in all, by when each went out; and what became of
-- them since.
-- params: tenant_id uuid, since timestamptz, until timestamptz, stride interval
-- returns: slot (null: the line of the whole time), messages, customers (null on the lines of a slot), delivered, read,
--          replied
SELECT slot, sum(messages)::bigint, CASE WHEN slot IS NULL THEN count(*) END, sum(delivered)::bigint,
       sum(read)::bigint, sum(replied)::bigint
FROM (
    SELECT slot, count(*) AS messages, count(*) FILTER (WHERE state >= 40) AS delivered, count(read_at) AS read,
           count(replied_at) AS replied
    FROM (
        SELECT customer_id, state, read_at, replied_at,
               date_bin(%(stride)s::interval, claimed_at, %(since)s::timestamptz) AS slot
        FROM ledger_recipients
        WHERE tenant_id = %(tenant_id)s::uuid AND claimed_at >= %(since)s::timestamptz
          AND claimed_at < %(until)s::timestamptz AND accepted_at IS NOT NULL
    ) sends
    GROUP BY GROUPING SETS ((slot), (customer_id))
) grouped
GROUP BY slot
