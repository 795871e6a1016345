-- When the people of a campaign were sent to, reached, and so on: people by the buckets that each kind of evidence fell
-- into, from the minutes that the ledger keeps. A bucket is its number from 1; 0 is before all of them, one more than
-- there are is after. Buckets begin at whole minutes, so that no minute is in two.
-- params: tenant_id uuid, campaign_id uuid, edges timestamptz[]
-- returns: bucket, people sent to, reached, who read, replied, converted, and whose message failed
SELECT width_bucket(m.minute, %(edges)s::timestamptz[]) AS bucket, sum(m.sent)::bigint, sum(m.delivered)::bigint,
       sum(m.read)::bigint, sum(m.replied)::bigint, sum(m.converted)::bigint, sum(m.failed)::bigint
FROM ledger_minutes m
WHERE m.tenant_id = %(tenant_id)s::uuid AND m.campaign_id = %(campaign_id)s::uuid
GROUP BY bucket
