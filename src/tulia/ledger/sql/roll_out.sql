-- Gives some of those who wait for the winner what was decided: the arm, and their turn; or nothing, when there is none.
-- params: tenant_id uuid, campaign_id uuid, arm smallint (null: nobody else is sent to), never timestamptz, now timestamptz,
--         batch int
-- returns: nothing; the row count is the people
-- locks: the people; writes: ledger_recipients
WITH waiting AS (
    SELECT r.id
    FROM ledger_recipients r
    WHERE r.tenant_id = %(tenant_id)s::uuid AND r.campaign_id = %(campaign_id)s::uuid
      AND r.due_at = %(never)s::timestamptz AND r.state = 1 AND r.role = 1
    ORDER BY r.id
    LIMIT %(batch)s::int
    FOR UPDATE SKIP LOCKED
)
UPDATE ledger_recipients r
SET arm = %(arm)s::smallint,
    state = CASE WHEN %(arm)s::smallint IS NULL THEN 11 ELSE 0 END,
    reason = CASE WHEN %(arm)s::smallint IS NULL THEN 'no_winner' ELSE '' END,
    due_at = CASE WHEN %(arm)s::smallint IS NOT NULL THEN %(now)s::timestamptz END
FROM waiting
WHERE r.id = waiting.id
