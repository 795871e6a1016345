-- Skips people whose message could not be made, and frees what was reserved for it.
-- params: tenant_id uuid, ids bigint[]
-- returns: nothing
-- locks: the people in order of id, then their campaigns in order of id
-- writes: ledger_recipients, ledger_events, message_campaigns
WITH mine AS (
    SELECT r.id, r.campaign_id, r.cost_micros
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.id = ANY (%(ids)s::bigint[]) AND r.state = 5
    ORDER BY r.id
    FOR UPDATE
), skipped AS (
    UPDATE ledger_recipients r
    SET state = 11, reason = 'render_failed', sending_at = NULL, claimed_by = NULL, claimed_at = NULL, cost_micros = 0
    FROM mine
    WHERE r.id = mine.id
    RETURNING r.id
), noted AS (
    INSERT INTO ledger_events (tenant_id, recipient_id, happened_at, kind, reason)
    SELECT %(tenant_id)s::uuid, id, now(), 'skipped', 'render_failed'
    FROM skipped
), locked AS (
    SELECT m.id FROM message_campaigns m WHERE m.id IN (SELECT campaign_id FROM mine) ORDER BY m.id FOR NO KEY UPDATE
)
UPDATE message_campaigns m
SET cost_micros = m.cost_micros - f.micros
FROM (SELECT campaign_id, sum(cost_micros) AS micros FROM mine GROUP BY campaign_id HAVING sum(cost_micros) > 0) f
JOIN locked ON locked.id = f.campaign_id
WHERE m.id = f.campaign_id
