-- What people of a campaign ordered within a span of time, whoever is credited for it: those who were dealt an arm, and
-- those who were held out.
-- params: tenant_id uuid, campaign_id uuid, since timestamptz, until timestamptz, statuses text[] (of orders that count)
-- returns: whether they were held out, currency, revenue in micros
SELECT r.state = 10, o.currency, sum(o.total_micros)::bigint
FROM orders o
JOIN ledger_recipients r ON r.campaign_id = %(campaign_id)s::uuid AND r.customer_id = o.customer_id
WHERE o.tenant_id = %(tenant_id)s::uuid AND r.tenant_id = %(tenant_id)s::uuid
  AND o.placed_at >= %(since)s::timestamptz AND o.placed_at < %(until)s::timestamptz
  AND o.status = ANY (%(statuses)s::text[])
  AND (r.state = 10 OR r.arm IS NOT NULL)
GROUP BY 1, 2
