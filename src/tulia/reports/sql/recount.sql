-- The counters of every campaign of a tenant, counted again from the ledger, beside what the campaign says.
-- params: tenant_id uuid
-- returns: campaign id, then for each counter the stored and the recounted number; then the people whose conversions
--          disagree with their row
WITH counted AS (
    SELECT campaign_id, count(accepted_at) AS sent, count(*) FILTER (WHERE state >= 40) AS delivered,
           count(*) FILTER (WHERE state = 30) AS failed, count(read_at) AS read, count(replied_at) AS responded,
           count(converted_at) AS converted,
           COALESCE(sum(cost_micros) FILTER (WHERE state <> 30), 0)::bigint AS cost
    FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid
    GROUP BY campaign_id
), credited AS (
    SELECT campaign_id, count(DISTINCT recipient_id) AS people
    FROM ledger_conversions
    WHERE tenant_id = %(tenant_id)s::uuid
    GROUP BY campaign_id
)
SELECT m.id, m.delivery_count, COALESCE(c.sent, 0), m.delivered_count, COALESCE(c.delivered, 0),
       m.failed_count, COALESCE(c.failed, 0), m.read_count, COALESCE(c.read, 0),
       m.response_count, COALESCE(c.responded, 0), m.conversion_count, COALESCE(c.converted, 0),
       m.cost_micros, COALESCE(c.cost, 0), COALESCE(credited.people, 0)
FROM message_campaigns m
LEFT JOIN counted c ON c.campaign_id = m.id
LEFT JOIN credited ON credited.campaign_id = m.id
WHERE m.tenant_id = %(tenant_id)s::uuid
ORDER BY m.created_at, m.id
