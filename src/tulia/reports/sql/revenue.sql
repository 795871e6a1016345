-- What the orders and bookings credited to a campaign brought, by arm and currency.
-- params: tenant_id uuid, campaign_id uuid
-- returns: arm, currency ('' when none was named), revenue in micros, orders and bookings, people
SELECT r.arm, c.currency, sum(c.revenue_micros)::bigint, count(*), count(DISTINCT c.recipient_id)
FROM ledger_conversions c
JOIN ledger_recipients r ON r.id = c.recipient_id AND r.tenant_id = %(tenant_id)s::uuid
WHERE c.tenant_id = %(tenant_id)s::uuid AND c.campaign_id = %(campaign_id)s::uuid
GROUP BY r.arm, c.currency
ORDER BY r.arm, c.currency
