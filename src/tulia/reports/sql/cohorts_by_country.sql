-- A campaign's people by the country they are known to be in, and what each country's people brought.
-- params: tenant_id uuid, campaign_id uuid
-- returns: country as ISO 3166 (null: not known), currency (null: the line counts people), then people, sent, delivered,
--          read, replied, converted (null on lines of revenue), revenue in micros (null on the others)
SELECT NULLIF(p.country, ''), NULL::text, count(*), count(r.accepted_at), count(*) FILTER (WHERE r.state >= 40),
       count(r.read_at), count(r.replied_at), count(r.converted_at), NULL::bigint
FROM ledger_recipients r
LEFT JOIN customers p ON p.id = r.customer_id AND p.tenant_id = %(tenant_id)s::uuid
WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
GROUP BY 1
UNION ALL
SELECT NULLIF(p.country, ''), c.currency, NULL, NULL, NULL, NULL, NULL, NULL, sum(c.revenue_micros)::bigint
FROM ledger_conversions c
JOIN ledger_recipients r ON r.id = c.recipient_id AND r.tenant_id = %(tenant_id)s::uuid
LEFT JOIN customers p ON p.id = r.customer_id AND p.tenant_id = %(tenant_id)s::uuid
WHERE c.tenant_id = %(tenant_id)s::uuid AND c.campaign_id = %(campaign_id)s::uuid
GROUP BY 1, 2
ORDER BY 1, 2 NULLS FIRST
