-- What people of an experiment ordered and booked within a window of their own turn, whoever is credited for it: those who
-- were dealt an arm, and those who were held out. Times of orders may be whole seconds: the second of the turn counts.
-- params: tenant_id uuid, campaign_id uuid, since timestamptz (of the first turn), until timestamptz, span interval,
--         order_statuses text[], booking_statuses text[] (of those that count)
-- returns: whether they were held out, arm (null: held out), kind ("order", "booking", "any"), currency (null: the line counts
--          people), people; of lines with a currency: micros in all, and their squares added up by person
WITH done AS (
    SELECT r.role = 2 AS is_held_out, r.arm, r.customer_id, 'order' AS kind, o.currency, o.total_micros AS micros
    FROM orders o
    JOIN ledger_recipients r ON r.campaign_id = %(campaign_id)s::uuid AND r.customer_id = o.customer_id
    WHERE o.tenant_id = %(tenant_id)s::uuid AND r.tenant_id = %(tenant_id)s::uuid
      AND o.placed_at >= %(since)s::timestamptz AND o.placed_at < %(until)s::timestamptz
      AND o.status = ANY (%(order_statuses)s::text[])
      AND o.placed_at >= date_trunc('second', r.turn_at) AND o.placed_at <= r.turn_at + %(span)s::interval
      AND (r.role = 2 OR (r.role = 0 AND r.arm IS NOT NULL))
    UNION ALL
    SELECT r.role = 2, r.arm, r.customer_id, 'booking', '', 0
    FROM bookings b
    JOIN ledger_recipients r ON r.campaign_id = %(campaign_id)s::uuid AND r.customer_id = b.customer_id
    WHERE b.tenant_id = %(tenant_id)s::uuid AND r.tenant_id = %(tenant_id)s::uuid
      AND b.booked_at >= %(since)s::timestamptz AND b.booked_at < %(until)s::timestamptz
      AND b.status = ANY (%(booking_statuses)s::text[])
      AND b.booked_at >= date_trunc('second', r.turn_at) AND b.booked_at <= r.turn_at + %(span)s::interval
      AND (r.role = 2 OR (r.role = 0 AND r.arm IS NOT NULL))
), paid AS (
    SELECT is_held_out, arm, customer_id, currency, sum(micros) AS micros
    FROM done
    WHERE kind = 'order'
    GROUP BY is_held_out, arm, customer_id, currency
)
SELECT is_held_out, arm, COALESCE(kind, 'any'), NULL::text, count(DISTINCT customer_id), NULL::float8, NULL::float8
FROM done
GROUP BY GROUPING SETS ((is_held_out, arm, kind), (is_held_out, arm))
UNION ALL
SELECT is_held_out, arm, 'order', currency, count(*), sum(micros)::float8, sum(micros::float8 * micros::float8)
FROM paid
GROUP BY is_held_out, arm, currency
