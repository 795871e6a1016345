-- Stores the staged orders by external id; what is stored already and says the same isn't touched.
-- Params:  tenant uuid
-- Returns: (line, id uuid, is_new boolean) of each that was stored; id is NULL for those of unknown customers
-- Locks:   the orders that change, in the order of their external ids
-- Writes:  orders
WITH named AS MATERIALIZED (
    SELECT s.line, s.external_id, s.placed_at, s.total_micros, s.status, coalesce(e.id, p.id) AS customer_id,
           coalesce(s.currency, o.currency, '') AS currency, o.id AS known_id,
           (o.customer_id, o.placed_at, o.total_micros, o.status, o.currency) IS NOT DISTINCT FROM
               (coalesce(e.id, p.id), s.placed_at, s.total_micros, s.status, coalesce(s.currency, o.currency, ''))
               AS is_same
    FROM staged_orders s
    LEFT JOIN customers e
        ON e.tenant_id = %(tenant)s AND e.external_id = s.customer_external_id AND e.deleted_at IS NULL
    LEFT JOIN customers p
        ON p.tenant_id = %(tenant)s AND p.phone = s.phone AND p.deleted_at IS NULL
        AND s.customer_external_id IS NULL
    LEFT JOIN orders o ON o.tenant_id = %(tenant)s AND o.external_id = s.external_id
),
stored AS (
    INSERT INTO orders AS o (id, tenant_id, customer_id, external_id, placed_at, total_micros, currency, status)
    SELECT gen_random_uuid(), %(tenant)s, n.customer_id, n.external_id, n.placed_at, n.total_micros, n.currency,
           n.status
    FROM named n
    WHERE n.customer_id IS NOT NULL AND NOT n.is_same
    ORDER BY n.external_id
    ON CONFLICT (tenant_id, external_id) WHERE external_id IS NOT NULL DO UPDATE
    SET customer_id = excluded.customer_id, placed_at = excluded.placed_at, total_micros = excluded.total_micros,
        currency = excluded.currency, status = excluded.status
    RETURNING o.id, o.external_id
)
SELECT n.line, s.id, n.known_id IS NULL
FROM named n
LEFT JOIN stored s ON s.external_id = n.external_id
WHERE s.id IS NOT NULL OR n.customer_id IS NULL
