-- Skips people whose message could not be made; what was reserved for it is free again.
-- params: tenant_id uuid, ids bigint[]
-- returns: nothing
-- locks: the people in order of id; writes: ledger_recipients, ledger_events
WITH mine AS (
    SELECT r.id
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
)
INSERT INTO ledger_events (tenant_id, recipient_id, happened_at, kind, reason)
SELECT %(tenant_id)s::uuid, id, now(), 'skipped', 'render_failed'
FROM skipped
