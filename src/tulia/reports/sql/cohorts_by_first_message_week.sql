-- A campaign's people by the ISO week in which they got their first campaign message ever, in the tenant's time zone; and
-- beside it what each week's people brought. The week is worked out for quarters of an hour, not for each person: no
-- clock on earth differs from UTC by anything else.
-- params: tenant_id uuid, campaign_id uuid, timezone text
-- returns: monday of the week as text (null: no message ever), currency (null: the line counts people), then people,
--          sent, delivered, read, replied, converted (null on lines of revenue), revenue in micros (null on the others)
WITH firsts AS MATERIALIZED (
    SELECT customer_id, date_bin('15 minutes', min(accepted_at), 'epoch') AS first_at
    FROM ledger_recipients
    WHERE tenant_id = %(tenant_id)s::uuid AND accepted_at IS NOT NULL AND claimed_at IS NOT NULL
      AND customer_id IN (
          SELECT customer_id
          FROM ledger_recipients
          WHERE tenant_id = %(tenant_id)s::uuid AND campaign_id = %(campaign_id)s::uuid
      )
    GROUP BY customer_id
), people AS (
    SELECT f.first_at, count(*) AS people, count(r.accepted_at) AS sent, count(*) FILTER (WHERE r.state >= 40) AS delivered,
           count(r.read_at) AS read, count(r.replied_at) AS replied, count(r.converted_at) AS converted
    FROM ledger_recipients r
    LEFT JOIN firsts f ON f.customer_id = r.customer_id
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
    GROUP BY f.first_at
), revenue AS (
    SELECT f.first_at, c.currency, sum(c.revenue_micros) AS micros
    FROM ledger_conversions c
    JOIN ledger_recipients r ON r.id = c.recipient_id AND r.tenant_id = %(tenant_id)s::uuid
    LEFT JOIN firsts f ON f.customer_id = r.customer_id
    WHERE c.tenant_id = %(tenant_id)s::uuid AND c.campaign_id = %(campaign_id)s::uuid
    GROUP BY f.first_at, c.currency
)
SELECT date_trunc('week', first_at AT TIME ZONE %(timezone)s::text)::date::text, NULL::text,
       sum(people)::bigint, sum(sent)::bigint, sum(delivered)::bigint, sum(read)::bigint, sum(replied)::bigint,
       sum(converted)::bigint, NULL::bigint
FROM people
GROUP BY 1
UNION ALL
SELECT date_trunc('week', first_at AT TIME ZONE %(timezone)s::text)::date::text, currency::text,
       NULL, NULL, NULL, NULL, NULL, NULL, sum(micros)::bigint
FROM revenue
GROUP BY 1, 2
ORDER BY 1, 2 NULLS FIRST
