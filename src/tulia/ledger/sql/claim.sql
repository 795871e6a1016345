-- Claims the next due people of one campaign and marks them sending, just before their messages go out. Each is judged
-- here, at the last moment: whoever may not be written to any more is skipped with the reason; whoever has to wait is
-- deferred to the moment that can be named; whoever the budget doesn't reach stays as they are (and is told of), because
-- only a person can change that. The cost of every message is reserved before it goes out.
-- Two claims at once never take the same person (SKIP LOCKED). Where claims share what is left of a cap, a limit or a
-- budget, the caller holds the tenant's turn (see ledger.claim), so that what this statement sees is all there is.
-- Places and zones are small relations of the caller's: calling code → time zone and price; zone → end of quiet hours.
-- Whoever is held out comes to their turn by the same rules, costs nothing, and takes nobody's place.
-- params: tenant_id uuid, campaign_id uuid, sender_id uuid, worker_id uuid, now timestamptz, batch int,
--         needs_window boolean, window_since timestamptz, unreachable_since timestamptz, tenant_zone text,
--         codes text[], code_zones text[], code_prices int[], other_price int,
--         quiet_zones text[], quiet_untils timestamptz[],
--         cap_since timestamptz (null: no cap), cap_most int, cap_span interval, day_since timestamptz,
--         daily_limit int (null: none), messaging_limit int (null: none)
-- returns: state (5 sending, 10 held out, 11 skipped, 1 deferred, 0 left because of the budget), id, attempts, arm,
--          customer_id, phone, name, external_id, language, country, timezone, attributes as text
-- locks: the claimed rows; writes: ledger_recipients, ledger_events
WITH due AS MATERIALIZED (
    SELECT r.id, r.customer_id, r.arm, r.role, r.due_at
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
      AND r.due_at <= %(now)s::timestamptz
      AND EXISTS (
          SELECT FROM message_campaigns m WHERE m.id = %(campaign_id)s::uuid AND m.status = 'sending'
      )
    ORDER BY r.due_at, r.id
    LIMIT %(batch)s::int
    FOR UPDATE SKIP LOCKED
), places AS (
    SELECT * FROM unnest(%(codes)s::text[], %(code_zones)s::text[], %(code_prices)s::int[]) AS p (code, zone, price)
), quiet AS (
    SELECT * FROM unnest(%(quiet_zones)s::text[], %(quiet_untils)s::timestamptz[]) AS q (zone, until)
), judged AS MATERIALIZED (
    SELECT due.id, due.role, due.due_at, due.customer_id, c.phone, c.name, c.external_id, c.language, c.country, c.attributes,
           COALESCE(NULLIF(c.timezone, ''), NULLIF(places.zone, ''), %(tenant_zone)s::text) AS timezone,
           CASE due.role WHEN 2 THEN 0 ELSE COALESCE(places.price, %(other_price)s::int) END AS price,
           CASE WHEN c.id IS NULL OR c.deleted_at IS NOT NULL THEN 'deleted'
                WHEN NOT c.consents_promotional THEN 'opted_out'
                WHEN c.unreachable_at > %(unreachable_since)s::timestamptz THEN 'unreachable'
                WHEN %(needs_window)s::boolean AND NOT EXISTS (
                    SELECT FROM conversations w
                    WHERE w.tenant_id = %(tenant_id)s::uuid AND w.customer_id = due.customer_id
                      AND w.last_inbound_at > %(window_since)s::timestamptz
                ) THEN 'outside_window'
                ELSE '' END AS refusal,
           quiet.until AS quiet_until,
           CASE WHEN %(cap_since)s::timestamptz IS NOT NULL THEN (
               SELECT h.claimed_at + %(cap_span)s::interval
               FROM ledger_recipients h
               WHERE h.customer_id = due.customer_id AND h.tenant_id = %(tenant_id)s::uuid
                 AND h.claimed_at > %(cap_since)s::timestamptz AND h.state <> 30
               ORDER BY h.claimed_at DESC
               OFFSET %(cap_most)s::int - 1
               LIMIT 1
           ) END AS capped_until
    FROM due
    LEFT JOIN customers c ON c.tenant_id = %(tenant_id)s::uuid AND c.id = due.customer_id
    LEFT JOIN places ON places.code = calling_code(c.phone)
    LEFT JOIN quiet ON quiet.zone = COALESCE(NULLIF(c.timezone, ''), NULLIF(places.zone, ''), %(tenant_zone)s::text)
), used AS MATERIALIZED (
    SELECT CASE WHEN %(daily_limit)s::int IS NOT NULL THEN %(daily_limit)s::int - (
               SELECT count(*) FROM ledger_recipients u
               WHERE u.tenant_id = %(tenant_id)s::uuid AND u.claimed_at > %(day_since)s::timestamptz
           ) END AS daily_room,
           CASE WHEN %(messaging_limit)s::int IS NOT NULL THEN %(messaging_limit)s::int - (
               SELECT count(DISTINCT u.customer_id) FROM ledger_recipients u
               WHERE u.tenant_id = %(tenant_id)s::uuid AND u.claimed_at > %(day_since)s::timestamptz
                 AND u.sender_id = %(sender_id)s::uuid AND u.state <> 30
           ) END AS messaging_room,
           (SELECT m.budget_micros - m.cost_micros FROM message_campaigns m WHERE m.id = %(campaign_id)s::uuid) AS money
), freed AS (
    -- When the next of today's sends is a day old: the moments at which whoever is over a limit gets their turn.
    SELECT array_agg(oldest.claimed_at + interval '24 hours' ORDER BY oldest.claimed_at) AS moments
    FROM (
        SELECT u.claimed_at
        FROM ledger_recipients u
        WHERE u.tenant_id = %(tenant_id)s::uuid AND u.claimed_at > %(day_since)s::timestamptz
          AND (%(daily_limit)s::int IS NOT NULL OR %(messaging_limit)s::int IS NOT NULL)
          AND (%(daily_limit)s::int IS NOT NULL OR u.sender_id = %(sender_id)s::uuid)
        ORDER BY u.claimed_at
        LIMIT %(batch)s::int
    ) oldest
), ranked AS (
    SELECT judged.*,
           count(*) FILTER (WHERE role <> 2) OVER (
               PARTITION BY refusal = '' AND quiet_until IS NULL AND capped_until IS NULL ORDER BY due_at, id
           ) AS place,
           sum(price) OVER (PARTITION BY refusal = '' AND quiet_until IS NULL AND capped_until IS NULL
                            ORDER BY due_at, id) AS spent
    FROM judged
), decided AS MATERIALIZED (
    SELECT ranked.*,
           CASE WHEN refusal <> '' THEN refusal
                WHEN quiet_until IS NOT NULL THEN 'quiet_hours'
                WHEN capped_until IS NOT NULL THEN 'frequency_cap'
                WHEN place > used.daily_room THEN 'daily_limit'
                WHEN place > used.messaging_room THEN 'messaging_limit'
                WHEN spent > used.money THEN 'budget'
                ELSE '' END AS reason,
           CASE WHEN quiet_until IS NOT NULL OR capped_until IS NOT NULL THEN GREATEST(quiet_until, capped_until)
                ELSE COALESCE(
                    freed.moments[place - GREATEST(0, LEAST(used.daily_room, used.messaging_room))],
                    %(now)s::timestamptz + interval '1 hour'
                ) END AS later
    FROM ranked CROSS JOIN used CROSS JOIN freed
), changed AS (
    UPDATE ledger_recipients r
    SET state = CASE WHEN d.reason = '' AND d.role = 2 THEN 10 WHEN d.reason = '' THEN 5
                     WHEN d.refusal <> '' THEN 11 ELSE 1 END,
        reason = d.reason,
        attempts = r.attempts + CASE WHEN d.is_sent THEN 1 ELSE 0 END,
        due_at = CASE WHEN d.reason <> '' AND d.refusal = '' THEN d.later END,
        claimed_by = CASE WHEN d.is_sent THEN %(worker_id)s::uuid END,
        sending_at = CASE WHEN d.is_sent THEN %(now)s::timestamptz END,
        claimed_at = CASE WHEN d.is_sent THEN %(now)s::timestamptz END,
        turn_at = CASE WHEN d.reason = '' OR d.refusal <> '' THEN %(now)s::timestamptz END,
        cost_micros = CASE WHEN d.is_sent THEN d.price ELSE 0 END
    FROM (SELECT decided.*, reason = '' AND role <> 2 AS is_sent FROM decided) d
    WHERE r.id = d.id AND d.reason <> 'budget'
    RETURNING r.id, r.state, r.arm, r.attempts, r.reason, r.due_at, r.cost_micros
), noted AS (
    INSERT INTO ledger_events (tenant_id, recipient_id, happened_at, kind, reason, until)
    SELECT %(tenant_id)s::uuid, id, %(now)s::timestamptz, CASE state WHEN 1 THEN 'deferred' ELSE 'skipped' END, reason, due_at
    FROM changed
    WHERE state NOT IN (5, 10)
)
SELECT COALESCE(changed.state, 0), d.id, changed.attempts, COALESCE(changed.arm, 0), d.customer_id, d.phone, d.name,
       COALESCE(d.external_id, ''), d.language, d.country, d.timezone, d.attributes::text
FROM decided d
LEFT JOIN changed ON changed.id = d.id
