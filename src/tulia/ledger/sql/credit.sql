-- Credits orders or bookings to the last campaign message their customer got before them, within the window; each once.
-- Times of orders may be whole seconds: a message of the same second came before. Who got no message, because it
-- failed, was not brought by it.
-- params: tenant_id uuid, kind text, source_ids uuid[], customer_ids uuid[], ats timestamptz[], revenues bigint[],
--         currencies text[], window interval
-- returns: nothing
-- locks: the people in order of id; writes: ledger_conversions, ledger_recipients
WITH asked AS (
    SELECT DISTINCT ON (source_id) *
    FROM unnest(%(source_ids)s::uuid[], %(customer_ids)s::uuid[], %(ats)s::timestamptz[], %(revenues)s::bigint[],
                %(currencies)s::text[]) AS u (source_id, customer_id, at, revenue, currency)
    ORDER BY source_id
), touched AS (
    SELECT asked.*, latest.id AS recipient_id, latest.campaign_id
    FROM asked
    CROSS JOIN LATERAL (
        SELECT r.id, r.campaign_id
        FROM ledger_recipients r
        WHERE r.tenant_id = %(tenant_id)s::uuid AND r.customer_id = asked.customer_id AND r.claimed_at IS NOT NULL
          AND r.state <> 30
          AND r.accepted_at < asked.at + interval '1 second' AND r.accepted_at >= asked.at - %(window)s::interval
        ORDER BY r.accepted_at DESC, r.id DESC
        LIMIT 1
    ) latest
), credited AS (
    INSERT INTO ledger_conversions (tenant_id, recipient_id, campaign_id, kind, source_id, converted_at, revenue_micros,
                                    currency, created_at)
    SELECT %(tenant_id)s::uuid, recipient_id, campaign_id, %(kind)s::text, source_id, at, revenue, currency, now()
    FROM touched
    ORDER BY source_id
    ON CONFLICT (tenant_id, kind, source_id) DO NOTHING
    RETURNING recipient_id, converted_at
), first AS (
    SELECT recipient_id, min(converted_at) AS converted_at FROM credited GROUP BY recipient_id
), before AS (
    SELECT r.id, first.converted_at
    FROM ledger_recipients r JOIN first ON first.recipient_id = r.id
    ORDER BY r.id
    FOR UPDATE OF r
)
UPDATE ledger_recipients r
SET converted_at = LEAST(r.converted_at, b.converted_at)
FROM before b
WHERE r.id = b.id
