-- What the orders and bookings credited to a campaign brought, by arm and currency; what came of those who got the winner
-- of a test is nobody's arm.
-- params: tenant_id uuid, campaign_id uuid
-- returns: arm, currency ('' when none was named), revenue in micros, orders and bookings, people
SELECT CASE r.role WHEN 0 THEN r.arm END AS dealt_arm, c.currency, sum(c.revenue_micros)::bigint, count(*),
       count(DISTINCT c.recipient_id)
FROM ledger_conversions c
JOIN ledger_recipients r ON r.id = c.recipient_id AND r.tenant_id = %(tenant_id)s::uuid
WHERE c.tenant_id = %(tenant_id)s::uuid AND c.campaign_id = %(campaign_id)s::uuid
GROUP BY dealt_arm, c.currency
ORDER BY dealt_arm, c.currency
