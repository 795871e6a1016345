-- When the people of a campaign were sent to, reached, and so on: people by the buckets that each kind of evidence fell
-- into. Each person is counted once, at the earliest evidence of each kind: whoever read or replied was reached by then.
-- A bucket is its number from 1; 0 is before all of them, one more than there are is after, 4095 says that it didn't
-- happen. Three of them make one key (12 bits each), so that two numbers are hashed and not six instants; OFFSET 0 has
-- them worked out once for each row.
-- params: tenant_id uuid, campaign_id uuid, edges timestamptz[]
-- returns: sent, delivered and read as one number; replied, converted and failed as another; people
SELECT reached, answered, count(*)
FROM (
    SELECT (COALESCE(width_bucket(r.accepted_at, %(edges)s::timestamptz[]), 4095)::bigint << 24)
           + (COALESCE(width_bucket(CASE WHEN r.state >= 40 THEN LEAST(r.delivered_at, r.read_at, r.replied_at) END,
                                    %(edges)s::timestamptz[]), 4095) << 12)
           + COALESCE(width_bucket(r.read_at, %(edges)s::timestamptz[]), 4095) AS reached,
           (COALESCE(width_bucket(r.replied_at, %(edges)s::timestamptz[]), 4095)::bigint << 24)
           + (COALESCE(width_bucket(r.converted_at, %(edges)s::timestamptz[]), 4095) << 12)
           + COALESCE(width_bucket(CASE WHEN r.state = 30 THEN r.failed_at END, %(edges)s::timestamptz[]), 4095)
           AS answered
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
      AND (r.accepted_at IS NOT NULL OR r.failed_at IS NOT NULL)
    OFFSET 0
) happened
GROUP BY reached, answered
