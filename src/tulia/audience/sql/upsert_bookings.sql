-- Stores the staged bookings by external id; what is stored already and says the same isn't touched.
-- Params:  tenant uuid
-- Returns: (line, id uuid, is_new boolean) of each that was stored; id is NULL for those of unknown customers
-- Locks:   the bookings that change, in the order of their external ids
-- Writes:  bookings
WITH named AS MATERIALIZED (
    SELECT s.line, s.external_id, s.booked_at, s.starts_at, s.status, coalesce(e.id, p.id) AS customer_id,
           b.id AS known_id,
           (b.customer_id, b.booked_at, b.starts_at, b.status) IS NOT DISTINCT FROM
               (coalesce(e.id, p.id), s.booked_at, s.starts_at, s.status) AS is_same
    FROM staged_bookings s
    LEFT JOIN customers e
        ON e.tenant_id = %(tenant)s AND e.external_id = s.customer_external_id AND e.deleted_at IS NULL
    LEFT JOIN customers p
        ON p.tenant_id = %(tenant)s AND p.phone = s.phone AND p.deleted_at IS NULL
        AND s.customer_external_id IS NULL
    LEFT JOIN bookings b ON b.tenant_id = %(tenant)s AND b.external_id = s.external_id
),
stored AS (
    INSERT INTO bookings AS b (id, tenant_id, customer_id, external_id, booked_at, starts_at, status)
    SELECT gen_random_uuid(), %(tenant)s, n.customer_id, n.external_id, n.booked_at, n.starts_at, n.status
    FROM named n
    WHERE n.customer_id IS NOT NULL AND NOT n.is_same
    ORDER BY n.external_id
    ON CONFLICT (tenant_id, external_id) WHERE external_id IS NOT NULL DO UPDATE
    SET customer_id = excluded.customer_id, booked_at = excluded.booked_at, starts_at = excluded.starts_at,
        status = excluded.status
    RETURNING b.id, b.external_id
)
SELECT n.line, s.id, n.known_id IS NULL
FROM named n
LEFT JOIN stored s ON s.external_id = n.external_id
WHERE s.id IS NOT NULL OR n.customer_id IS NULL
